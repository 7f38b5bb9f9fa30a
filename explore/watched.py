"""L'apprentissage de train_VAE.py, regardé par un objet plutôt que suivi pas à pas."""
import train_VAE


def learn(model, images, train_index, test_index, settings, watcher):
    """Toutes les époques ; watcher.must_stop est demandé avant chaque pas.

    watcher.show est appelé au départ, puis à la fin de chaque époque."""
    history = []
    for done in train_VAE.learn(model, images, train_index, test_index, settings, history):
        if done == len(history):
            watcher.show(model, history)
        if done < settings["epochs"] and watcher.must_stop(done):
            break
    return history
