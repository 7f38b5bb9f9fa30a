// L'image du point de la carte ; la carte apprend qu'elle est arrivée.
export default function ({ data, parentElement }) {
    const picture = parentElement.querySelector("img")
    picture.src = data.picture
    picture.style.width = data.side + "px"
    parentElement.querySelector("p").textContent = data.words
    window.dispatchEvent(new CustomEvent("vae-answer", { detail: data.asked }))
}
