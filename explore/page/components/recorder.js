// Tant qu'un bouton (ou la barre d'espace) est tenu, dix images par seconde partent vers le kit.
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".enregistreur")
    // ce qui n'est pas encore rangé : si la page refait ce composant, rien ne se perd
    const kept = window.vaeRecorder ??= { waiting: [], sent: null, released: false }
    const video = box.querySelector("video"), said = box.querySelector("p")
    const movements = box.querySelector(".mouvements"), thumbnails = box.querySelector(".vignettes")
    const say = text => { said.textContent = text }
    const count = kind =>
        (data.counts[kind] || 0) + kept.waiting.filter(picture => picture.kind === kind).length
    const tell = () => {
        for (const button of movements.querySelectorAll("[data-kind]"))
            button.querySelector("small").textContent = count(button.dataset.kind)
        if (!video.srcObject) return
        const total = Object.values(data.counts).reduce((sum, some) => sum + some, kept.waiting.length)
        box.querySelector("progress").value = total
        say(total + (total > 1 ? " images" : " image") + (total < 200
            ? " (200 conseillées)" : " : c'est assez. Appuyez sur Entraîner, à gauche."))
    }
    const shoot = kind => {
        const uri = takeSquare(video, 128, "image/png")
        kept.waiting.push({ kind, uri })
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
        kept.released = true
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
        if (kept.sent || !(kept.waiting.length || kept.released)) return
        const pictures = kept.waiting.slice(0, 40)
        const released = kept.released && pictures.length === kept.waiting.length
        // au hasard aussi : deux visiteurs n'ont jamais le même numéro
        kept.sent = { number: Date.now() + Math.random(), pictures, released }
        box.post()
    }
    box.post = () => {                     // un lot se perd parfois : sans réponse, il repart
        setStateValue("batch", kept.sent)
        clearTimeout(box.again)
        box.again = setTimeout(() => box.post(), 3000)
    }
    box.tell = tell
    if (kept.sent && kept.sent.number === data.received) {
        clearTimeout(box.again)
        kept.waiting.splice(0, kept.sent.pictures.length)
        if (kept.sent.released) kept.released = false
        kept.sent = null
        box.send()
    }
    if (!box.ready) {                      // la première fois seulement
        box.ready = true
        listen(box.querySelector("button"), "im")
        addMovements()
        openCamera(video, text => text ? say(text) : box.tell())
        if (kept.sent) box.post()
    }
    tell()
    return () => {
        clearInterval(box.clock)
        clearTimeout(box.again)
        closeCamera(video)
    }
}
