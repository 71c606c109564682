"""The ``imagenet`` domain: the hundred classes of Spurious ImageNet."""
