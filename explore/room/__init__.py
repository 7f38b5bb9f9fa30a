"""Ce qui ouvre la page à la classe : l'affiche, le certificat, la porte, le serveur."""
