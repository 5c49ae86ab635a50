"""References of the standard library, one module for each of its modules.

Each is written from the definition in double precision, and not from the text of the library: loops, matrices written out, or a routine of
numpy.
"""
