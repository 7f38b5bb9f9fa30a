// Ce que Streamlit écrit en anglais, dit en français : aussi pour qui écoute la page.
const words = {
    "Connection error": "La page ne répond plus",
    "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your terminal:":
        "Le programme qui la sert est-il arrêté ? Relancez-le dans son terminal :",
    "Streamlit server is not responding. Are you connected to the internet?":
        "Si l'heure est finie, c'est normal : fermez cet onglet. Sinon, êtes-vous encore sur le Wi-Fi de la salle ?",
    "streamlit run yourscript.py": "streamlit run explore/app_VAE.py",
    "Connecting": "Connexion…",
    "Connecting to Streamlit server": "Connexion au programme qui sert la page",
    "Upload": "Parcourir",
    "Drag and drop files here": "Déposez des fichiers ici",
    "Drag and drop file here": "Déposez un fichier ici",
    "Select all": "Tout choisir",
    "No results": "Rien de tel",
    "Clear all": "Tout enlever",
    "Clear value": "Enlever",
    "Copy to clipboard": "Copier",
    "Copied!": "Copié",
    "Open": "Ouvrir",
    "Increment": "Augmenter",
    "Decrement": "Diminuer",
    "Choose an option": "Choisissez",
    "Sidebar": "Panneau",
    "Expand sidebar": "Ouvrir le panneau",
    "Collapse sidebar": "Fermer le panneau",
    "Skip to main content": "Aller au contenu",
    "Running...": "Calcul…",
    "Stop": "Arrêter",
    "Close": "Fermer",
    "Help": "Aide",
}
const patterns = [
    [/^(.*) files are not allowed\.$/, "Les fichiers $1 ne conviennent pas."],
    [/^File must be (.*) or smaller\.$/, "Un fichier fait $1 au plus."],
    [/^.*status code 413$/, "C'est trop : 30 Mo par fichier, et 100 Mo en tout pendant l'heure."],
    [/^(\d+)MB per file(.*)$/, "$1 Mo par fichier$2"],
    [/^Remove (.+)$/, "Enlever $1"],
    [/^Selected (.+)\. (.+)$/, "Choisi : $1. $2"],
    [/^Help for (.+)$/, "Aide : $1"],
    [/^You can only select up to (\d+) options?\. .*$/, "$1 au plus : enlevez-en un d'abord."],
]
const translate = text => {
    const known = words[text.trim()]
    if (known) return known
    for (const [pattern, french] of patterns)
        if (pattern.test(text)) return text.replace(pattern, french)
    return text
}
const attributes = ["aria-label", "title", "placeholder"]
const mend = root => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
    for (let node = root; node; node = walker.nextNode()) {
        if (node.nodeType === Node.TEXT_NODE) {
            if (node.nodeValue.startsWith("Cannot connect to Streamlit (HTTP status: 403)"))
                location.reload()              // espace supprimé : retour à la porte
            const french = translate(node.nodeValue)
            if (french !== node.nodeValue) node.nodeValue = french
            continue
        }
        if (node.matches?.("[role=presentation][tabindex]"))
            node.removeAttribute("role")       // une zone où l'on dépose n'est pas un décor
        for (const name of attributes) {
            const value = node.getAttribute?.(name)
            if (value && translate(value) !== value) node.setAttribute(name, translate(value))
        }
    }
}
export default function () {
    document.documentElement.lang = "fr"
    if (window.vaeFrench) return
    window.vaeFrench = new MutationObserver(changes => {
        for (const change of changes) {
            if (change.type === "childList") change.addedNodes.forEach(mend)
            else mend(change.target)
        }
    })
    mend(document.body)
    window.vaeFrench.observe(document.body, {
        childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: attributes })
}
