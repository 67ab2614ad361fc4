import functools
def check(one, other):
    assert one <= other, (one, other)
    return -1
sorted([3, 1, 2], key=functools.cmp_to_key(check))
