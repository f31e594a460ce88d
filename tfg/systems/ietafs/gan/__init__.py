"""The GAN of `ietafs`: a photo and 17 Action Units make an edited photo.

edits     pairs of pictures to learn from: the same actor, pose and light with two expressions, and the true flow
pairs     these as batches
network   the generator
critic    the discriminator: true or drawn, patch by patch, and which Action Units
sync      two networks that say whether a mouth and a sound belong together
train     all of them against each other
"""
