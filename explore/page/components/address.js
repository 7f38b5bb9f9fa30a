// Le bouton Retour revient au modèle ou au lieu d'avant ; un réglage n'est pas une étape.
const step = search => ["modele", "lieu"].map(name => new URLSearchParams(search).get(name)).join()
const keepHistoryShort = () => {
    if (window.vaePush) return
    window.vaePush = history.pushState.bind(history)
    history.pushState = (state, title, url) => {
        const same = step(new URL(url, location).search) === step(location.search)
        const first = step(location.search) === ","     // l'adresse nue de l'arrivée
        if (same || first) history.replaceState(state, title, url)
        else window.vaePush(state, title, url)
    }
}
