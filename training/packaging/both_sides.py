"""A network that is asked about a picture and about its mirror image, and says the mean of the two.

What a map is shifted by is shifted to the other side in a mirror image that is laid back: from left to right the mean
of the two lies where the picture is, whatever paddings and training have made of it. Nobody turns a picture upside
down; from top to bottom the picture is raised by as many rows as the map was measured to lie too low.
"""

from __future__ import annotations

import keras


def both_sides(network: keras.Model, raised_rows: int = 0) -> keras.Model:
    """image [N, H, W, 1] -> probability [N, findings], cam [N, h, w, findings], for a network with the same shapes.

    `raised_rows`: rows that are taken off the top of the picture and put to its foot, as copies of its last one; less
    than none, the other way round. sigmoid(mean(cam)) = probability holds as before. Each weight is there once, each
    picture computed twice.
    """
    (image,) = network.inputs
    picture = _raised(image, raised_rows)
    _, cams = network(keras.ops.concatenate([picture, picture[:, :, ::-1]], axis=0))
    seen, mirrored = keras.ops.split(cams, 2, axis=0)
    cam = keras.layers.Average(name="both_cams")([seen, mirrored[:, :, ::-1]])
    logit = keras.layers.GlobalAveragePooling2D(name="logit_of_both")(cam)
    probability = keras.layers.Activation("sigmoid", name="probability_of_both")(logit)
    return keras.Model(image, [probability, cam], name=network.name)


def _raised(image: keras.KerasTensor, rows: int) -> keras.KerasTensor:
    if not rows:
        return image
    if rows > 0:
        return keras.ops.concatenate([image[:, rows:], *[image[:, -1:]] * rows], axis=1)
    return keras.ops.concatenate([*[image[:, :1]] * -rows, image[:, :rows]], axis=1)
