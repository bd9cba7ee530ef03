"""Faces: detection, landmarks, alignment, embedding, quality and the portrait crop.

Everything but `pipeline` is pure functions over arrays. Nothing here opens a camera, a socket or a file.
"""
