"""On-device inference: manifest, store, runtime, face pipeline, quality.

Must never open a socket in the capture daemon (fetching is a command of its own), nor know the workflow.
"""
