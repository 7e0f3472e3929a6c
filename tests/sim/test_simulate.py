"""What the simulation is worth: seeded bugs are found, and a seed is one run whoever runs it."""

import os
import pathlib
import re
import subprocess
import unittest

SIMULATE = pathlib.Path(os.environ["RINGPOST_BIN"]) / "simulate"
BUG_SEEDS = 40  # within which each seeded bug must be found


def simulate(*arguments):
    # Where AddressSanitizer sees it first, it shall end the run as a broken invariant does.
    environment = dict(os.environ, ASAN_OPTIONS="abort_on_error=1")
    done = subprocess.run([SIMULATE, *map(str, arguments)], capture_output=True, text=True, check=False,
                          env=environment)
    return done.returncode, done.stdout, done.stderr


class SimulationFindsSeededBugs(unittest.TestCase):
    def found(self, bug, says):
        """Runs until a seed fails, sees that it names the seed and why, and that the seed is clean without the bug."""
        status, out, err = simulate("--bug", bug, 1, BUG_SEEDS)
        self.assertNotEqual(status, 0, out)
        seed = re.search(r"^seed (\d+): ", out, re.MULTILINE)
        self.assertTrue(seed, out + err)
        self.assertRegex(out + err, says)
        self.assertIn(f"again: simulate --bug {bug} {seed[1]} 1", out)
        status, again, _ = simulate("--bug", bug, seed[1], 1)
        self.assertNotEqual(status, 0, again)
        status, clean, err = simulate(seed[1], 1)
        self.assertEqual(status, 0, clean + err)

    def test_a_completion_that_is_lost(self):
        self.found("lost-completion", "did not drain|queue did not empty")

    def test_a_250_before_the_message_is_durable(self):
        self.found("early-250", "was acknowledged and is lost")

    def test_a_buffer_that_is_released_twice(self):
        self.found("double-free", "broken invariant: (block.references == 0|held_ == 0)|AddressSanitizer")


class OneSeedIsOneRun(unittest.TestCase):
    def digests(self, first, count):
        status, out, err = simulate("--digest", first, count)
        self.assertEqual(status, 0, out + err)
        return dict(re.findall(r"^(\d+) ([0-9a-f]{16})$", out, re.MULTILINE))

    def test_in_every_process_and_whatever_ran_before(self):
        all_of_them, some = self.digests(1, 12), self.digests(7, 6)
        self.assertEqual(len(all_of_them), 12)
        self.assertEqual(len(set(all_of_them.values())), 12)
        for seed, digest in some.items():
            self.assertEqual(all_of_them[seed], digest, seed)


if __name__ == "__main__":
    unittest.main()
