import logging, warnings
warnings.warn("careful")
warnings.warn("old", DeprecationWarning)
import collections, re
re.compile("[[a]")
logging.basicConfig(format="%(levelname)s %(name)s %(module)s %(processName)s %(threadName)s %(message)s")
logging.warning("logged")
class Keeps(logging.Handler):
    def emit(self, record):
        print(record.relativeCreated < 60_000)
logging.getLogger().addHandler(Keeps())
logging.error("late")
