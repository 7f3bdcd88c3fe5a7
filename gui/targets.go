package gui

import "strings"

// targetNames remembers which names a field shows in place of the targets of
// neighbours: nobody can read, or compare, the ids that those are made of. nil
// shows every target as it is.
type targetNames struct {
	name    func(target string) string // of a neighbour; empty if it is unknown
	targets map[string]string          // by the name that is shown
}

func newTargetNames(w *Window) *targetNames {
	return &targetNames{name: w.neighbourTitle, targets: map[string]string{}}
}

// show returns what stands in the field for a target. Of several neighbours with
// the same name and machine the first alone is shown by it.
func (n *targetNames) show(target string) string {
	if n == nil {
		return target
	}
	text := n.name(target)
	if other, taken := n.targets[text]; text == "" || taken && other != target {
		return target
	}
	n.targets[text] = target
	return text
}

// target returns what a text means that stands in the field: itself, unless it is
// a name that show has returned.
func (n *targetNames) target(text string) string {
	text = strings.TrimSpace(text)
	if n == nil {
		return text
	}
	if target, ok := n.targets[text]; ok {
		return target
	}
	return text
}

// showLines puts the members of a setting that is a list on lines.
func (n *targetNames) showLines(value string) string {
	list := strings.Split(value, ",")
	for i, target := range list {
		list[i] = n.show(target)
	}
	return strings.Join(list, "\n")
}

// joinLines makes the list of a setting of what stands on lines. A name may hold a
// comma.
func (n *targetNames) joinLines(text string) string {
	var list []string
	for line := range strings.Lines(text) {
		if target := n.target(line); target != strings.TrimSpace(line) {
			list = append(list, target)
			continue
		}
		for part := range strings.SplitSeq(line, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return strings.Join(list, ",")
}
