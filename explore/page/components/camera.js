// La caméra du navigateur : l'ouvrir, y prendre un carré, la fermer.
const openCamera = async (video, say) => {
    if (!navigator.mediaDevices) {
        say("Le navigateur n'ouvre la caméra que sur l'ordinateur qui sert cette page, ou en "
            + "https (explore/classe.py) : déposez plutôt des photos avec « Mes fichiers ».")
        return
    }
    say("Autorisez la caméra : le navigateur le demande.")
    try {
        const wanted = { video: { width: 640, height: 480 } }
        video.srcObject = await navigator.mediaDevices.getUserMedia(wanted)
        await video.play()
        say("")
    } catch (error) {
        say("La caméra ne s'ouvre pas : branchez-la, fermez Teams et Zoom, et autorisez-la pour cette page.")
    }
}
const closeCamera = video => {
    video.srcObject?.getTracks().forEach(track => track.stop())
    video.srcObject = null
}
// Le carré du centre, en miroir comme dans une glace.
const takeSquare = (video, side, kind) => {
    const canvas = document.createElement("canvas")
    const shortest = Math.min(video.videoWidth, video.videoHeight)
    canvas.width = canvas.height = side
    const pen = canvas.getContext("2d")
    pen.imageSmoothingQuality = "high"
    pen.translate(side, 0)
    pen.scale(-1, 1)
    pen.drawImage(video, (video.videoWidth - shortest) / 2, (video.videoHeight - shortest) / 2,
        shortest, shortest, 0, 0, side, side)
    return canvas.toDataURL(kind, 0.9)
}
