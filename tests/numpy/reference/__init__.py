"""References of the programs in tests/programs and tests/cases/programs, one module a field.

Each is written from the definition (loops, enumeration, a routine of numpy or scipy), in double precision, and not from the program
that it is compared with.
"""
