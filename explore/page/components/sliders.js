// L'image décodée, et un curseur par latent.
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".curseurs")
    parentElement.querySelector("img").src = data.picture
    const send = () => {    // une demande à la fois : la suivante part au retour de l'image
        box.late = box.asked > Date.now() - 3000
        if (box.late) return
        box.asked = Date.now()
        delete box.dataset.milliseconds
        const values = [...box.querySelectorAll("input")].map(input => Number(input.value))
        setStateValue("codes", { turn: data.turn, asked: box.asked, values })
    }
    box.send = send
    const addSlider = (label, i) => {
        const row = document.createElement("label"), value = document.createElement("span")
        const input = document.createElement("input")
        const show = () => {
            const number = data.middle[i] + data.spread[i] * input.value
            value.textContent = number.toFixed(2).replace(/^-(0.00)$/, "$1").replace(".", ",")
        }
        Object.assign(input, { type: "range", min: -3, max: 3, step: 0.01, value: data.values[i] })
        input.oninput = () => { show(); box.send() }
        show()
        row.append(label, value, input)
        return row
    }
    if (box.dataset.turn !== data.turn) {  // un autre modèle, ou un autre code : les curseurs sont refaits
        box.dataset.turn = data.turn
        box.asked = 0
        box.replaceChildren(...data.labels.map(addSlider))
    } else if (data.asked === box.asked) { // la réponse à notre demande
        box.dataset.milliseconds = Date.now() - box.asked
        box.asked = 0
        if (box.late) send()
    }
}
