// Tant que le bouton (ou la barre d'espace) est tenu, dix images par seconde partent vers le kit.
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".enregistreur")
    const video = box.querySelector("video"), button = box.querySelector("button")
    const said = box.querySelector("p"), thumbnails = box.querySelector(".vignettes")
    const say = text => { said.textContent = text }
    const tell = () => {
        const count = box.count + box.waiting.length
        say(count + (count > 1 ? " images" : " image") + (count < 200 ? " (200 conseillées)" : ""))
    }
    const shoot = () => {
        const picture = takeSquare(video, 128, "image/png")
        box.waiting.push(picture)
        const small = new Image()
        small.src = picture
        thumbnails.prepend(small)
        if (thumbnails.children.length > 8) thumbnails.lastChild.remove()
        tell()
        box.send()
    }
    const press = () => {
        if (box.clock || !video.videoWidth) return
        button.textContent = "Enregistre…"
        shoot()
        box.clock = setInterval(shoot, 100)
    }
    const release = () => {
        if (!box.clock) return
        clearInterval(box.clock)
        box.clock = null
        box.released = true
        button.textContent = "Gardez appuyé pour enregistrer"
        box.send()
    }
    box.send = () => {                     // un lot à la fois : le suivant part quand il est rangé
        if (box.sent || !(box.waiting.length || box.released)) return
        const pictures = box.waiting.slice(0, 40)
        const released = Boolean(box.released) && pictures.length === box.waiting.length
        box.sent = { number: Date.now(), pictures, released }
        setStateValue("batch", box.sent)
    }
    box.count = data.count
    if (!box.waiting) {                    // la première fois seulement
        box.waiting = []
        openCamera(video, text => text ? say(text) : tell())
        button.onpointerdown = event => {
            button.setPointerCapture(event.pointerId)
            press()
        }
        button.onpointerup = button.onpointercancel = button.onblur = release
        button.onkeydown = event => {
            if (event.key !== " " && event.key !== "Enter") return
            event.preventDefault()
            press()
        }
        button.onkeyup = release
        button.oncontextmenu = event => event.preventDefault()
    } else if (box.sent?.number === data.received) {
        box.waiting.splice(0, box.sent.pictures.length)
        if (box.sent.released) box.released = false
        box.sent = null
        box.send()
    }
    if (video.srcObject) tell()
    return () => {
        clearInterval(box.clock)
        closeCamera(video)
    }
}
