// La carte du studio : des vignettes à la place de leur code, et un point que l'on traîne.
const makeMap = (box, s, move) => {
    const map = box.querySelector(".carte"), ground = map.querySelector(".fond")
    const svg = map.querySelector("svg"), point = map.querySelector(".point")
    const selects = box.querySelectorAll(".plan select"), drawn = box.querySelector(".plan input")
    const legend = box.querySelector(".legende")
    const scaled = (values, i) => (values[i] - s.base.middle[i]) / (s.base.spread[i] || 1)
    const place = values => s.plane.map(i => scaled(values, i))
    const percent = value => 50 + 50 * value / s.base.limit + "%"
    const put = (element, [x, y]) => {
        element.style.left = percent(x)
        element.style.bottom = percent(y)
    }
    const drawGround = () => {
        const known = drawn.checked && s.ground?.key === s.groundKey()
        ground.style.backgroundImage = known ? `url(${s.ground.uri})` : "none"
        ground.style.setProperty("--veil", known ? 0 : 1)
        if (drawn.checked && !known) s.askAgain()
    }
    const drawPictures = () => {
        const { codes, sheet, frames } = s.base, rows = Math.ceil(codes.length / 10)
        while (ground.children.length < codes.length) ground.append(document.createElement("i"))
        while (ground.children.length > codes.length) ground.lastChild.remove()
        map.style.setProperty("--sheet", `url(${sheet})`)
        ground.setAttribute("aria-label", `${codes.length} images, chacune à la place de son code`)
        codes.forEach((code, i) => {
            const small = ground.children[i]
            put(small, place(code))
            small.style.backgroundSize = `1000% ${rows * 100}%`
            const down = Math.floor(i / 10) * 100 / Math.max(1, rows - 1)
            small.style.backgroundPosition = `${(i % 10) * 100 / 9}% ${down}%`
            small.style.borderColor = frames[i] || "transparent"
        })
    }
    const setUp = () => {                  // un autre modèle, ou une autre époque
        selects.forEach((select, k) => {
            select.replaceChildren(...s.base.names.map((name, i) => new Option(s.name(name), i)))
            select.value = s.plane[k]
            select.onchange = () => {
                s.plane[k] = Number(select.value)
                drawPictures()
                drawGround()
                redraw()
            }
        })
        box.querySelector(".plan").hidden = s.base.names.length < 2
        drawn.onchange = drawGround
        legend.replaceChildren(...Object.entries(s.base.legend).map(([folder, color]) => {
            const words = document.createElement("span"), dot = document.createElement("b")
            dot.style.background = color
            words.append(dot, " " + folder)
            return words
        }))
        drawPictures()
        drawGround()
    }
    const redraw = () => {                 // le point (mu, ou le dernier z) et les z tirés
        put(point, place(s.z()))
        const [x, y] = place(s.mu), [rx, ry] = s.plane.map(
            i => s.stretch * s.sigma[i] / (s.base.spread[i] || 1))
        const shapes = []
        if (s.base.beta) for (const times of [1, 2])
            shapes.push(shape("ellipse", { cx: x, cy: -y, rx: times * rx, ry: times * ry,
                class: "sigma" + times }))
        for (const z of s.cloud) {
            const [cx, cy] = place(z)
            shapes.push(shape("circle", { cx, cy: -cy, r: 0.035 }))
        }
        svg.setAttribute("viewBox", [-1, -1, 2, 2].map(n => n * s.base.limit).join(" "))
        svg.replaceChildren(...shapes)
    }
    const go = at => {
        const values = [...s.z()]
        s.plane.forEach((i, k) => {
            const inside = Math.max(-s.base.limit, Math.min(s.base.limit, at[k]))
            values[i] = s.base.middle[i] + inside * s.base.spread[i]
        })
        move(values)
    }
    const follow = event => {
        const { left, bottom, width } = map.getBoundingClientRect()
        go([(2 * (event.clientX - left) / width - 1) * s.base.limit,
            (2 * (bottom - event.clientY) / width - 1) * s.base.limit])
    }
    map.onpointerdown = event => {
        event.preventDefault()
        point.focus()
        map.setPointerCapture(event.pointerId)
        map.held = true
        follow(event)
    }
    map.onpointermove = event => { if (map.held) follow(event) }
    map.onpointerup = map.onpointercancel = () => { map.held = false }
    point.onkeydown = event => {
        const step = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0],
            ArrowDown: [0, -0.2], ArrowUp: [0, 0.2] }[event.key]
        if (!step) return
        event.preventDefault()
        go(place(s.z()).map((value, k) => value + step[k]))
    }
    return { setUp, redraw, drawGround, drawn }
}
const shape = (name, values) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name)
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value)
    return element
}
