"""What it finds out about itself."""
import gc, locale, multiprocessing, os, resource, signal, site, sys, sysconfig, tempfile, threading
import helper
main = sys.modules["__main__"]
print(sys.argv, __name__, __file__, __spec__, __package__, repr(__doc__), __cached__, type(__loader__).__name__)
print(sorted(vars(main)), sys.modules.get("__mp_main__") is main, __builtins__)
print(sys.path, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.executable, sys.orig_argv, sys.flags, sys.warnoptions)
print(os.getcwd(), repr(sys.stdin.read()), sys.stdin.isatty())
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.mode, stream.encoding, stream.errors, stream.line_buffering, stream.write_through, stream is getattr(sys, f"__{stream.name[1:-1]}__"))
print(sorted(os.environ.items()), sorted(os.environb.items()) == sorted((os.fsencode(a), os.fsencode(b)) for a, b in os.environ.items()))
print(open("/proc/self/cmdline").read(), sorted(open("/proc/self/environ").read().split("\0")), open("/proc/self/comm").read())
print([(number, signal.getsignal(number)) for number in sorted(signal.valid_signals()) if number < 32], signal.pthread_sigmask(signal.SIG_BLOCK, []))
ordinary = (1 << 31) - 1  # the two above are the C library's own
print([int(line.split()[1], 16) & ordinary for line in open("/proc/self/status") if line.startswith(("SigP", "SigB", "SigI", "SigC"))])
print(sorted(os.listdir("/proc/self/fd")), os.umask(0o22))
print(gc.isenabled(), gc.get_threshold(), gc.garbage, sys.getrecursionlimit(), sys.getswitchinterval(), sys.exc_info())
print(threading.main_thread() is threading.current_thread(), threading.main_thread().native_id == os.getpid(), threading.active_count())
print(multiprocessing.current_process().name, multiprocessing.get_start_method(), multiprocessing.process.ORIGINAL_DIR, multiprocessing.process._children)
print(tempfile.gettempdir(), os.path.expanduser("~"), locale.getlocale(), site.getsitepackages(), site.ENABLE_USER_SITE, site.PREFIXES)
print(sysconfig.get_paths(), sysconfig.get_config_var("prefix"))
print([resource.getrlimit(kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_STACK)], os.nice(0))
print(helper.LOADED_FROM, sys.gettrace(), sys.getprofile(), hasattr(sys, "last_type"), hasattr(sys, "ps1"))
print([name for name in sys.modules if name.startswith("torchyard")], sys.excepthook is sys.__excepthook__)
