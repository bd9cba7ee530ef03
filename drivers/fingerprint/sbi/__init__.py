"""MOSIP Secure Biometric Interface 1.0 (published 2021-06-23): a client for enrolment-grade finger scanners.

The device service of the scanner's vendor listens on 127.0.0.1; this driver discovers it, reads its signed device info
and asks for registration captures. Nothing it says is used before signature, trust chain, time, transaction and hash
chain have been verified.
"""
