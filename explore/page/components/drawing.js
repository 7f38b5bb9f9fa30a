// Un dessin (SVG) de la page elle-même.
export default function ({ data, parentElement }) {
    parentElement.querySelector(".dessin").innerHTML = data
}
