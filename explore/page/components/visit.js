// Ce que Streamlit ne fait pas seul quand la page a perdu le fil.
const watchPage = () => {
    let lost = false
    return setInterval(() => {
        const app = document.querySelector(".stApp")
        if (!app) location.reload()                // une erreur de Streamlit a tout effacé
        const there = app?.dataset.testConnectionState === "CONNECTED"
        if (there && lost) window.vaeReturn()      // le serveur est revenu, et a tout oublié
        lost = !there
    }, 500)
}
// Un mot au hasard, que cet onglet du navigateur garde : rechargé, il se fait reconnaître.
export default function ({ data, setStateValue }) {
    keepHistoryShort()
    if (!sessionStorage.vaeVisit) {
        const letters = crypto.getRandomValues(new Uint8Array(16))
        sessionStorage.vaeVisit = [...letters].map(n => n.toString(16).padStart(2, "0")).join("")
    }
    window.vaeReturn = () => setStateValue("back", Date.now())
    window.vaeWatch ??= watchPage()
    if (!data.told) setStateValue("token", sessionStorage.vaeVisit)
    // sur un téléphone, le panneau cache la page : il se ferme quand la suite est dessous
    if (data.closings > (window.vaeClosings || 0) && innerWidth < 768)
        document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click()
    window.vaeClosings = data.closings
}
