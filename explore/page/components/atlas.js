// La carte : des vignettes qui glissent d'une place à l'autre, et un point que l'on traîne.
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".carte"), ground = box.querySelector(".fond")
    const svg = box.querySelector("svg"), point = box.querySelector(".point")
    const percent = value => 50 + 50 * value / data.limit
    const put = (element, x, y) => {
        element.style.left = percent(x) + "%"
        element.style.bottom = percent(y) + "%"
    }
    // les vignettes : les mêmes éléments, à de nouvelles places
    while (ground.children.length < data.places.length) ground.append(document.createElement("i"))
    while (ground.children.length > data.places.length) ground.lastChild.remove()
    const rows = Math.ceil(data.places.length / 10)
    box.style.setProperty("--sheet", `url(${data.sheet})`)
    ground.style.backgroundImage = data.background ? `url(${data.background})` : "none"
    ground.setAttribute("aria-label", data.words)
    ground.style.setProperty("--veil", data.veil)
    data.places.forEach(([x, y], i) => {
        const small = ground.children[i]
        put(small, x, y)
        small.style.backgroundSize = `1000% ${rows * 100}%`
        const down = Math.floor(i / 10) * 100 / Math.max(1, rows - 1)
        small.style.backgroundPosition = `${(i % 10) * 100 / 9}% ${down}%`
        small.style.borderColor = data.frames[i] || "transparent"
    })
    const [across, up] = data.axes
    const words = `En largeur ${across}, en hauteur ${up} ; au centre, la moyenne.`
    parentElement.querySelector("p").textContent = words
    // l'ellipse de mu et sigma, et les z tirés
    const shape = (name, values) => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", name)
        for (const [key, value] of Object.entries(values)) element.setAttribute(key, value)
        return element
    }
    svg.replaceChildren()
    if (data.ellipse) {
        const [x, y, rx, ry] = data.ellipse.map(value => value / data.limit)
        for (const times of [1, 2])
            svg.append(shape("ellipse", {
                cx: x, cy: -y, rx: times * rx, ry: times * ry, class: "sigma" + times }))
    }
    for (const [x, y] of data.dots)
        svg.append(shape("circle", { cx: x / data.limit, cy: -y / data.limit, r: 0.012 }))
    // le point
    point.hidden = !data.point
    if (!data.point) return
    if (box.turn !== data.turn || !data.movable) {
        box.turn = data.turn
        box.at = data.point
        box.asked = 0
        put(point, ...box.at)
    }
    point.classList.toggle("fixed", !data.movable)
    const send = () => {    // une demande à la fois : la suivante part au retour de l'image
        box.late = box.asked > Date.now() - 3000
        if (box.late) return
        box.asked = Date.now()
        delete box.dataset.milliseconds
        setStateValue("point", { turn: data.turn, asked: box.asked, x: box.at[0], y: box.at[1] })
    }
    const move = (x, y) => {
        const inside = value => Math.max(-data.limit, Math.min(data.limit, value))
        box.at = [inside(x), inside(y)]
        put(point, ...box.at)
        send()
    }
    const follow = event => {
        const { left, bottom, width } = box.getBoundingClientRect()
        move((2 * (event.clientX - left) / width - 1) * data.limit,
            (2 * (bottom - event.clientY) / width - 1) * data.limit)
    }
    box.onpointerdown = event => {
        if (!data.movable) return
        event.preventDefault()
        point.focus()
        box.setPointerCapture(event.pointerId)
        box.held = true
        follow(event)
    }
    box.onpointermove = event => { if (box.held) follow(event) }
    box.onpointerup = box.onpointercancel = () => { box.held = false }
    point.onkeydown = event => {
        const steps = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0],
            ArrowDown: [0, -0.1], ArrowUp: [0, 0.1] }
        const step = steps[event.key]
        if (!step || !data.movable) return
        event.preventDefault()
        move(box.at[0] + step[0], box.at[1] + step[1])
    }
    box.answered = event => {              // l'image est arrivée (answer.js)
        if (event.detail !== box.asked) return
        box.dataset.milliseconds = Date.now() - box.asked
        box.asked = 0
        if (box.late) send()
    }
    if (!box.listening) {
        box.listening = event => box.answered(event)
        window.addEventListener("vae-answer", box.listening)
    }
    return () => {
        window.removeEventListener("vae-answer", box.listening)
        box.listening = null
    }
}
