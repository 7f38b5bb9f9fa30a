"""La page : un fichier par chose, et un par lieu dans views/.

Le kit d'abord, quel que soit le fichier demandé : il règle torch avant de l'importer.
"""
import page.kit
