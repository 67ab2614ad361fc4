import inspect, linecache, pickle, traceback
import helper
class Thing:
    """A thing."""
    def method(self):
        return 1
def function(x):
    # with a comment
    return x + 1
print(inspect.getsource(Thing.method), inspect.getsource(function), inspect.getsourcefile(function), inspect.getmodule(function).__name__)
print(linecache.getline(__file__, 3), pickle.dumps(Thing), pickle.loads(pickle.dumps(function)) is function)
print(function.__code__.co_filename, helper.double(3), inspect.getfile(helper))
try:
    function("x")
except TypeError:
    print(traceback.format_exc())
