import cProfile, pstats, sys

sys.argv = ["m", sys.argv[1]]
cProfile.run(open("scratch/m.py").read(), "/tmp/lints.prof")
pstats.Stats("/tmp/lints.prof").sort_stats("tottime").print_stats(14)
