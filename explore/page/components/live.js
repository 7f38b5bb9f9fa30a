// La webcam en direct : une image part quand la réponse à la précédente est revenue.
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".direct"), video = box.querySelector("video")
    const button = box.querySelector("button"), said = box.querySelector("span")
    const bars = box.querySelector(".nombres")
    const ask = () => {
        if (!video.srcObject || box.asked > Date.now() - 10000) return
        box.asked = Date.now()
        setStateValue("frame", { asked: box.asked, picture: takeSquare(video, data.side, "image/jpeg") })
    }
    box.ask = ask
    const fresh = box.asked && data.asked && data.asked !== box.seen    // une réponse nouvelle
    box.querySelector(".paire").hidden = !box.answers && !fresh
    if (fresh) {
        const now = Date.now()
        box.seen = data.asked
        box.querySelector(".vue").src = data.seen
        box.querySelector(".redite").src = data.drawn
        bars.replaceChildren(...data.values.slice(0, 8).map((value, i) => {
            const row = document.createElement("div"), bar = document.createElement("b")
            row.textContent = data.names[i]
            const length = Math.min(50, Math.abs(value) * 50 / 3)
            bar.style.cssText = `width: ${length}%; left: ${value < 0 ? 50 - length : 50}%`
            row.append(bar)
            return row
        }))
        box.answers = (box.answers || 0) + 1
        box.dataset.answers = box.answers
        box.dataset.milliseconds = now - box.asked
        box.pace = 0.8 * (box.pace || now - box.asked) + 0.2 * (now - box.asked)
        said.textContent = `${(1000 / box.pace).toFixed(0)} images par seconde`
        box.asked = 0
        requestAnimationFrame(ask)
    }
    button.onclick = async () => {
        if (video.srcObject) {
            closeCamera(video)
            clearInterval(box.clock)
            button.textContent = "Démarrer la webcam"
            said.textContent = ""
            return
        }
        await openCamera(video, text => { said.textContent = text })
        if (!video.srcObject) return
        button.textContent = "Arrêter la webcam"
        clearInterval(box.clock)
        box.clock = setInterval(() => box.ask(), 500)      // si une réponse se perd, on redemande
        box.ask()
    }
    return () => {
        clearInterval(box.clock)
        closeCamera(video)
    }
}
