package archtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// standIn is a go whose Nth run writes what runN says and ends with the code in its
// first line; asked is how it was called.
const standIn = `#!/bin/sh
cd "$(dirname "$0")"
n=$(($(cat n 2>/dev/null || echo 0) + 1))
echo $n >n
echo "$@" >>asked
sed 1d run$n
exit $(head -n 1 run$n)
`

// tools/again.sh gives a test that keeps real time a second chance, and nothing else.
func TestSecondChance(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	script, err := filepath.Abs("../../tools/again.sh")
	if err != nil {
		t.Fatal(err)
	}
	const all, first, second = "test -p 1 ./a", "test -run ^TestA$ -p 1 ./a", "test -run ^TestB$ -p 1 ./a"
	for name, c := range map[string]struct {
		runs  []string
		asked []string
		code  int
	}{
		"good":              {[]string{"0\nok a"}, []string{all}, 0},
		"good, alone":       {[]string{"1\n--- FAIL: TestA (1s)\n    --- FAIL: TestA/part (1s)\nFAIL", "0\nok a"}, []string{all, first}, 0},
		"two, good, alone":  {[]string{"1\n--- FAIL: TestB (1s)\n--- FAIL: TestA (1s)\nFAIL", "0\nok a", "0\nok a"}, []string{all, first, second}, 0},
		"bad":               {[]string{"1\n--- FAIL: TestA (1s)\nFAIL", "1\n--- FAIL: TestA (1s)\nFAIL"}, []string{all, first}, 1},
		"the second is bad": {[]string{"1\n--- FAIL: TestB (1s)\n--- FAIL: TestA (1s)\nFAIL", "0\nok a", "1\nFAIL"}, []string{all, first, second}, 1},
		"too many":          {[]string{"1\n--- FAIL: TestA (1s)\n--- FAIL: TestB (1s)\n--- FAIL: TestC (1s)\n--- FAIL: TestD (1s)"}, []string{all}, 1},
		"no test":           {[]string{"1\nFAIL a 1s"}, []string{all}, 1},
		"does not build":    {[]string{"1\n--- FAIL: TestA (1s)\nFAIL b [build failed]"}, []string{all}, 1},
		"panic":             {[]string{"2\n--- FAIL: TestA (1s)\npanic: test timed out after 30m0s"}, []string{all}, 2},
		"race":              {[]string{"1\n==================\nWARNING: DATA RACE\n--- FAIL: TestA (1s)\n    testing.go: race detected during execution of test"}, []string{all}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "go"), []byte(standIn), 0o700); err != nil {
				t.Fatal(err)
			}
			for i, run := range c.runs {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("run", i+1)), []byte(run+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("sh", script, "-p", "1", "./a")
			cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			code := 0
			if errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			asked, _ := os.ReadFile(filepath.Join(dir, "asked"))
			if want := strings.Join(c.asked, "\n") + "\n"; code != c.code || string(asked) != want {
				t.Errorf("ended with %d, want %d; go was called\n%swant\n%sand it wrote\n%s", code, c.code, asked, want, out)
			}
		})
	}
}
