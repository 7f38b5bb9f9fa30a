// Le code du studio : un curseur par nombre, sa marge sigma, z tiré à la loupe, et le prix.
const french = (value, digits) =>
    value.toFixed(digits).replace(/^-([0.]+)$/, "$1").replace(".", ",")
const gauss = () =>                        // Box et Muller
    Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
const kl = (mu, sigma) => (mu ** 2 + sigma ** 2 - 1) / 2 - Math.log(sigma)     // en nats
const makeCode = (box, s, move) => {
    const sliders = box.querySelector(".curseurs"), lens = box.querySelector(".loupe")
    const price = box.querySelector(".prix summary"), table = box.querySelector("table")
    const addSlider = (name, i) => {
        const row = document.createElement("div"), said = document.createElement("output")
        const named = document.createElement("input"), track = document.createElement("div")
        const slider = document.createElement("input")
        row.className = s.base.dead[i] ? "curseur mort" : "curseur"
        if (s.base.dead[i]) row.title = "Mort : il ne change presque pas l'image."
        Object.assign(named, { className: "nom", value: s.name(name), maxLength: 24,
            title: "Écrivez ici ce que change ce curseur" })
        named.setAttribute("aria-label", "Nom du curseur " + name)
        named.onchange = () => { s.rename(name, named.value.trim()); named.value = s.name(name) }
        named.onclick = () => named.select()
        named.onkeydown = event => { if (event.key === "Enter") named.blur() }
        Object.assign(slider, { type: "range", min: -3, max: 3, step: 0.1 })
        slider.setAttribute("aria-label", "Curseur " + name)
        slider.oninput = () => {
            const values = [...s.mu]
            values[i] = s.base.middle[i] + s.base.spread[i] * slider.value
            move(values)
        }
        track.className = "piste"
        track.append(document.createElement("i"), document.createElement("b"), slider)
        row.append(named, said, track)
        return row
    }
    const setUp = () => {
        sliders.replaceChildren(...s.base.names.map(addSlider))
        box.classList.toggle("simple", !s.base.beta)
    }
    const redraw = () => {
        const z = s.z(), drawn = s.noise.some(Boolean)
        ;[...sliders.children].forEach((row, i) => {
            const scaled = value => (value - s.base.middle[i]) / (s.base.spread[i] || 1)
            const part = value => Math.max(0, Math.min(1, scaled(value) / 6 + 0.5))
            const margin = s.base.beta ? s.stretch * s.sigma[i] : 0
            const [band, tick, slider] = row.lastChild.children
            slider.value = scaled(s.mu[i])
            row.querySelector("output").textContent = french(s.mu[i], 2)
                + (margin ? " ± " + french(margin, 2) : "")
            band.style.cssText = `--from: ${part(s.mu[i] - margin)}; --to: ${part(s.mu[i] + margin)}`
            tick.style.cssText = `--at: ${part(z[i])}`
            tick.hidden = !drawn
        })
        if (!s.base.beta) return
        drawLens()
        drawPrice()
    }
    const drawLens = () => {               // z en nombres de sigma : la cloche, vue de dessus
        const dots = s.noises.map(noise => shape("circle", {
            cx: noise[s.plane[0]], cy: -noise[s.plane[1]], r: 0.11 }))
        dots.at(-1)?.classList.add("dernier")
        lens.replaceChildren(...[1, 2].map(r => shape("circle", { r, class: "sigma" + r })),
            shape("path", { d: "M-.2 0H.2M0-.2V.2", class: "mu" }), ...dots)
        const sigma = s.stretch * s.sigma[s.plane[0]]
        box.querySelector(".echelle").textContent =
            `Loupe : le cercle plein est à 1 sigma (${french(sigma, 2)}) de mu.`
    }
    const drawPrice = () => {
        const bits = s.mu.map((mu, i) => kl(mu, s.sigma[i]) / Math.LN2)
        const total = bits.reduce((sum, one) => sum + one, 0)
        price.textContent = `Prix de ce code (KL) : ${french(total, 1)} bits`
        const rows = s.mu.map((mu, i) => [s.name(s.base.names[i]), french(mu, 2),
            french(s.sigma[i], 3), french(bits[i], 1)])
        table.replaceChildren(...[["", "mu", "sigma", "bits"], ...rows].map((words, line) => {
            const row = document.createElement("tr")
            row.append(...words.map((word, column) => {
                const cell = document.createElement(line && column ? "td" : "th")
                cell.textContent = word
                return cell
            }))
            return row
        }))
    }
    return { setUp, redraw }
}
