// Tant qu'un bouton (ou la barre d'espace) est tenu, dix images par seconde partent vers le kit.
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".enregistreur")
    const video = box.querySelector("video"), said = box.querySelector("p")
    const movements = box.querySelector(".mouvements"), thumbnails = box.querySelector(".vignettes")
    const say = text => { said.textContent = text }
    const count = kind =>
        (data.counts[kind] || 0) + box.waiting.filter(picture => picture.kind === kind).length
    const tell = () => {
        for (const button of movements.querySelectorAll("[data-kind]"))
            button.querySelector("small").textContent = count(button.dataset.kind)
        if (!video.srcObject) return
        const total = Object.values(data.counts).reduce((sum, some) => sum + some, box.waiting.length)
        box.querySelector("progress").value = total
        say(total + (total > 1 ? " images" : " image") + (total < 200
            ? " (200 conseillées)" : " : c'est assez. Appuyez sur Entraîner, à gauche."))
    }
    const shoot = kind => {
        const uri = takeSquare(video, 128, "image/png")
        box.waiting.push({ kind, uri })
        const small = new Image()
        small.src = uri
        thumbnails.prepend(small)
        if (thumbnails.children.length > 8) thumbnails.lastChild.remove()
        box.tell()
        box.send()
    }
    const press = (button, kind) => {
        if (box.held || !video.videoWidth) return
        box.held = button                  // deux doigts : le premier compte seul
        button.classList.add("tenu")
        shoot(kind)
        box.clock = setInterval(shoot, 100, kind)
    }
    const release = button => {
        if (box.held !== button) return
        clearInterval(box.clock)
        box.held = null
        box.released = true
        button.classList.remove("tenu")
        box.send()
    }
    const listen = (button, kind) => {
        button.onpointerdown = event => {
            button.setPointerCapture(event.pointerId)
            press(button, kind)
        }
        button.onpointerup = button.onpointercancel = button.onblur = () => release(button)
        button.onkeydown = event => {
            if (event.key !== " " && event.key !== "Enter") return
            event.preventDefault()
            press(button, kind)
        }
        button.onkeyup = () => release(button)
        button.oncontextmenu = event => event.preventDefault()
    }
    const addMovement = number => {
        const button = document.createElement("button")
        button.type = "button"
        button.dataset.kind = "m" + number
        button.setAttribute("aria-label", "Mouvement " + number + " : gardez appuyé")
        button.append(number, document.createElement("small"))
        listen(button, button.dataset.kind)
        movements.insertBefore(button, movements.querySelector(".plus"))
    }
    const addMovements = () => {           // quatre d'abord, puis jusqu'à neuf
        const plus = document.createElement("button")
        plus.type = "button"
        plus.className = "plus"
        plus.textContent = "+"
        plus.setAttribute("aria-label", "Un mouvement de plus")
        movements.append(plus)
        const known = Object.keys(data.counts).filter(kind => /^m[1-9]$/.test(kind))
        const last = Math.max(4, ...known.map(kind => Number(kind[1])))
        for (let number = 1; number <= last; number++) addMovement(number)
        plus.hidden = movements.children.length > 9
        plus.onclick = () => {
            addMovement(movements.children.length)
            plus.hidden = movements.children.length > 9
            box.tell()
        }
    }
    box.send = () => {                     // un lot à la fois : le suivant part quand il est rangé
        if (box.sent || !(box.waiting.length || box.released)) return
        const pictures = box.waiting.slice(0, 40)
        const released = Boolean(box.released) && pictures.length === box.waiting.length
        box.sent = { number: Date.now(), pictures, released }
        setStateValue("batch", box.sent)
    }
    box.tell = tell
    if (!box.waiting) {                    // la première fois seulement
        box.waiting = []
        listen(box.querySelector("button"), "im")
        addMovements()
        openCamera(video, text => text ? say(text) : box.tell())
    } else if (box.sent?.number === data.received) {
        box.waiting.splice(0, box.sent.pictures.length)
        if (box.sent.released) box.released = false
        box.sent = null
        box.send()
    }
    tell()
    return () => {
        clearInterval(box.clock)
        closeCamera(video)
    }
}
