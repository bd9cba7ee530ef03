"""Standard records and image files: lossless 4-bit PNG, ISO/IEC 19794-4 finger and 19794-5 face records.

Pure functions over bytes. Must never write a header that disagrees with the image it describes.
"""
