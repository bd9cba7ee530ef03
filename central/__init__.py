"""The centre: takes sealed bundles in, checks them against the immigration register, asks the identity authority for
the account, and tells the station where the case stands.

It trusts no station: what can be recomputed is recomputed. It issues nothing itself: `issued` is the authority's word.
"""
