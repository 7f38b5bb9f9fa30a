// Le studio : son état, ses boutons, et ses messages avec Python (une demande à la fois).
const makeStudio = box => {
    const find = selector => box.querySelector(selector)
    const video = find("video"), said = find("[role=status]"), latest = find(".derniers")
    const s = { plane: [0, 1], stretch: 1, cloud: [], noises: [], known: {}, mu: [], sigma: [], noise: [] }
    s.z = () => s.mu.map((mu, i) => mu + s.stretch * s.sigma[i] * s.noise[i])
    s.name = name => s.given[name] || name
    s.groundKey = () => [s.base.turn, ...s.plane].join()
    const still = () => s.mu.map(() => 0)
    const forget = () => { s.noise = still(); s.cloud = []; s.noises = []; latest.replaceChildren() }

    // %% Demander
    const ask = what => {
        if (s.asked) { s.next = what; return }
        s.next = null
        s.asked = Date.now()
        delete box.dataset.milliseconds
        const ground = map.drawn.checked && s.base && s.ground?.key !== s.groundKey()
        s.groundAsked = ground && s.groundKey()
        const message = { model: s.base?.model, has: s.base?.turn, asked: s.asked, ...what,
            ...(ground && { ground: s.plane }) }
        s.send("ask", message)
        clearInterval(s.again)             // elle se perd parfois : sans réponse, elle repart
        s.again = setInterval(() => s.send("ask", message), 3000)
    }
    s.askAgain = () => ask({ z: s.z() })
    const move = values => {               // un curseur ou le point de la carte : mu change
        stopFlow()
        stopLive()
        s.mu = values
        forget()
        redraw()
        ask({ z: values })
    }
    const map = makeMap(box, s, move), code = makeCode(box, s, move)
    const redraw = () => { map.redraw(); code.redraw() }

    // %% Tirer z
    const drawZ = () => {
        s.noise = s.mu.map(gauss)
        s.noises = [...s.noises, s.noise].slice(-60)
        s.cloud = [...s.cloud, s.z()].slice(-60)
        redraw()
        s.kept = true                      // sa réponse rejoindra les derniers z
        ask({ z: s.z() })
    }
    const stopFlow = () => {
        clearInterval(s.flow)
        s.flow = 0
        find("[data-do=flow]").textContent = "Sans arrêt"
    }

    // %% La webcam
    const snap = () => {
        if (video.srcObject && !(s.asked > Date.now() - 10000))
            ask({ picture: takeSquare(video, s.base.size, "image/jpeg") })
    }
    const stopLive = () => {
        if (!video.srcObject) return
        closeCamera(video)
        clearInterval(s.clock)
        find("[data-do=webcam]").textContent = "Webcam en direct"
        said.textContent = ""
    }
    const startLive = async () => {
        await openCamera(video, text => { said.textContent = text })
        if (!video.srcObject) return
        find("[data-do=webcam]").textContent = "Figer"
        s.clock = setInterval(snap, 500)   // si une réponse se perd, on redemande
        snap()
    }

    // %% Les boutons
    const showOther = () => {              // jamais la même
        stopFlow()
        stopLive()
        s.image = (s.image + 1 + Math.floor(Math.random() * (s.base.count - 1))) % s.base.count
        ask({ image: s.image })
    }
    const buttons = {
        other: showOther,
        webcam: () => video.srcObject ? stopLive() : (stopFlow(), startLive()),
        back: () => { if (s.own) move(s.own) },
        mean: () => move([...s.base.middle]),
        random: () => move(s.mu.map((_, i) => s.base.beta
            ? gauss() : s.base.middle[i] + s.base.spread[i] * gauss())),
        draw: () => { stopFlow(); stopLive(); drawZ() },
        flow: () => {
            if (s.flow) { stopFlow(); return }
            stopLive()
            find("[data-do=flow]").textContent = "Assez"
            s.flow = setInterval(() => { if (!s.asked) drawZ() }, 120)
        } }
    for (const button of box.querySelectorAll("[data-do]"))
        button.onclick = () => s.base && buttons[button.dataset.do]()
    const stretch = find(".etirer input")
    stretch.oninput = () => {              // les mêmes tirages, plus loin de mu
        s.stretch = Number(stretch.value)
        find(".etirer span").textContent = "sigma × " + s.stretch
        s.cloud = s.noises.map(noise => s.mu.map((mu, i) => mu + s.stretch * s.sigma[i] * noise[i]))
        redraw()
        if (s.noises.length) ask({ z: s.z() })
    }

    // %% Les noms que l'on donne aux curseurs : ce navigateur les garde
    s.rename = (name, given) => {
        s.given = { ...s.given, [name]: given }
        localStorage["vae-noms " + s.base.model] = JSON.stringify(s.given)
        s.send("names", { model: s.base.model, names: s.given })
        map.setUp()
        redraw()
    }

    // %% La réponse
    const adopt = base => {
        const other = base.model !== s.base?.model || base.names.join() !== s.base.names.join()
        s.base = base
        if (other) {
            s.image = 0
            s.plane = [0, Math.min(1, base.names.length - 1)]
            s.given = JSON.parse(localStorage["vae-noms " + base.model] || "{}")
            if (Object.keys(s.given).length) s.send("names", { model: base.model, names: s.given })
            stopFlow()
        }
        return other
    }
    s.receive = data => {
        const base = data.base || s.known[data.turn]
        if (!base) { s.asked = 0; ask({ image: 0 }); return }      // le studio vient de s'ouvrir
        if (data.turn !== s.turn) s.known = { [s.turn]: s.base, [data.turn]: base }
        const fresh = data.asked === s.asked, newer = data.turn !== s.turn
        const other = newer && adopt(base)
        s.turn = data.turn
        if (data.mu && (other || newer || fresh && !s.next)) {
            Object.assign(s, { mu: data.mu, own: data.mu, sigma: data.sigma })
            forget()
            find(".vue").src = data.seen
        }
        if (other) code.setUp()
        if (data.ground && s.groundAsked) s.ground = { key: s.groundAsked, uri: data.ground }
        if (newer) map.setUp(); else if (data.ground) map.drawGround()
        find(".redite").src = data.picture
        if (fresh) {
            box.dataset.milliseconds = Date.now() - s.asked
            box.dataset.answers = Number(box.dataset.answers || 0) + 1
            s.asked = 0
            clearInterval(s.again)
            if (s.kept && s.noise.some(Boolean)) {
                const small = new Image()
                small.src = data.picture
                latest.prepend(small)
                if (latest.children.length > 6) latest.lastChild.remove()
            }
            s.kept = false
            if (s.next) ask(s.next)
            else if (video.srcObject) requestAnimationFrame(snap)
        }
        redraw()
    }
    s.close = () => {
        clearInterval(s.again)
        stopFlow()
        stopLive()
    }
    return s
}
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".studio")
    box.studio ??= makeStudio(box)
    box.studio.send = setStateValue
    box.studio.receive(data)
    return box.studio.close
}
