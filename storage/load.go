package storage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// extras is what a settings file holds beyond the settings this version knows:
// source lines to be written back, by the place they belong to.
type extras map[string][]string

// Places of extras besides the name of a section.
const (
	rootPlace = ""  // before the first header
	restPlace = "*" // whole tables, at the end
)

func accountPlace(id string) string       { return accountsTable + "/" + id }
func accountTablesPlace(id string) string { return accountsTable + "/" + id + "/tables" }
func appPlace(g AppGrant) string          { return appsTable + "/" + g.Name + "\x00" + g.Executable }

// A migration turns a document of one version into the next one.
type migration func(*document)

// migrations[i] leads from version i+1 to version i+2. Version is the first
// and only one so far.
var migrations []migration

// loaded is what was made of a settings file.
type loaded struct {
	settings Settings
	extras   extras
	problems []Problem // without File and Kept
	lossy    bool      // writing the settings back would lose something
}

// load reads a settings file. It never fails: what it cannot use is reported
// and has its default.
func load(data []byte) loaded {
	l := &loader{
		loaded: loaded{settings: DefaultSettings(), extras: extras{}},
		seen:   map[string]int{},
	}
	if len(data) > maxFile {
		l.doc.data = data[:0]
		l.problem(-1, "", true, "the file is larger than %d bytes and was not read; defaults are used", maxFile)
		return l.loaded
	}
	doc, flaws := parse(data)
	l.doc = doc
	for _, f := range flaws {
		l.problem(f.offset, "", true, "syntax error: %s", f.text)
	}
	l.migrate(migrations)
	for _, t := range l.doc.tables {
		l.table(t)
	}
	l.together()
	return l.loaded
}

type loader struct {
	loaded

	doc     document
	seen    map[string]int // offset of each setting read, by name
	account string         // ID of the account read last; "" if it was not usable
}

// problem notes a problem at offset, or with no place if that is negative.
func (l *loader) problem(offset int, key string, lossy bool, format string, args ...any) {
	l.lossy = l.lossy || lossy
	if len(l.problems) > maxProblems {
		return
	}
	p := Problem{Key: key, Text: fmt.Sprintf(format, args...)}
	if len(l.problems) == maxProblems {
		p = Problem{Text: "there are more problems, which are not listed"}
	} else if offset >= 0 {
		p.Line, p.Column = position(l.doc.data, offset)
	}
	l.problems = append(l.problems, p)
}

// migrate brings the document to the version that steps lead to.
func (l *loader) migrate(steps []migration) {
	known := len(steps) + 1
	version := known
	for _, s := range l.doc.tables[0].statements {
		switch {
		case s.name() != "version":
		case s.value.kind != kindNumber || s.value.number < 1:
			l.problem(s.offset, "version", true, "version must be a whole number from 1 on; %d is assumed", known)
		case s.value.number > int64(known):
			l.problem(s.offset, "version", true, "a newer Parley wrote this file (version %d, this one knows %d); what it does not know is left out", s.value.number, known)
		default:
			version = int(s.value.number)
		}
	}
	for _, step := range steps[version-1:] {
		step(&l.doc)
	}
}

func (l *loader) table(t table) {
	name := t.name()
	l.noteShape(t)
	switch {
	case name == "" && t.path == nil:
		for _, s := range t.statements {
			l.statement("", s)
		}
	case name == accountsTable:
		l.readAccount(t.statements, t.offset)
	case name == appsTable:
		l.readApp(t.statements, t.offset)
	case isSection(name):
		for _, s := range t.statements {
			l.statement(name, s)
		}
	default:
		l.unknownTable(t)
	}
}

// noteShape reports [accounts] for [[accounts]] and the like.
func (l *loader) noteShape(t table) {
	name := t.name()
	if !isSection(name) || t.array == isArraySection(name) {
		return
	}
	right := "[" + name + "]"
	if isArraySection(name) {
		right = "[[" + name + "]]"
	}
	l.problem(t.offset, name, false, "this header should be %s; it is read as that", right)
}

func (l *loader) unknownTable(t table) {
	lines := []string{t.raw}
	for _, s := range t.statements {
		lines = append(lines, s.raw)
	}
	place := restPlace
	if t.path[0] == accountsTable {
		if l.account == "" {
			l.problem(t.offset, t.name(), true, "table %s belongs to no usable account", show(t.name()))
			return
		}
		place = accountTablesPlace(l.account)
	}
	l.extras[place] = append(l.extras[place], strings.Join(lines, "\n"))
	l.problem(t.offset, t.name(), false, "there is no section %s%s; it is kept but has no effect",
		show(t.name()), l.suggest(t.name(), sectionNames()))
}

// suggest returns ", did you mean …?" or "".
func (l *loader) suggest(name string, names []string) string {
	if len(l.problems) > maxProblems {
		return ""
	}
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

func sectionNames() []string {
	names := []string{accountsTable, appsTable}
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// statement reads a statement of a section, or of the root if that is empty.
func (l *loader) statement(in string, s statement) {
	name := strings.TrimPrefix(in+"."+s.name(), ".")
	if name == "version" {
		return
	}
	if isArraySection(name) {
		l.readList(name, s)
		return
	}
	if isSection(name) {
		if s.value.kind != kindTable {
			l.problem(s.offset, name, true, "%s must be a section of its own, [%s]; it is ignored", name, name)
			return
		}
		for _, inner := range s.value.table {
			l.statement(name, inner)
		}
		return
	}
	i := slices.IndexFunc(settingKeys, func(k Key[Settings]) bool { return k.Name == name })
	if i < 0 {
		l.unknownStatement(in, name, s)
		return
	}
	l.once(name, s)
	read(l, settingKeys[i], &l.settings, name, s)
}

// readList reads accounts or apps written as a list of tables in braces.
func (l *loader) readList(name string, s statement) {
	if s.value.kind != kindList || slices.ContainsFunc(s.value.list, func(v value) bool { return v.kind != kindTable }) {
		l.problem(s.offset, name, true, "%s must be blocks of their own, [[%s]]; it is ignored", name, name)
		return
	}
	for _, v := range s.value.list {
		if name == accountsTable {
			l.readAccount(v.table, v.offset)
		} else {
			l.readApp(v.table, v.offset)
		}
	}
}

func (l *loader) unknownStatement(in, name string, s statement) {
	names := make([]string, len(settingKeys))
	for i, k := range settingKeys {
		names[i] = k.Name
	}
	keep := s.raw != "" && (in != "" || !isSection(s.path[0]))
	if keep {
		l.extras[in] = append(l.extras[in], s.raw)
	}
	l.problem(s.offset, name, !keep, "there is no setting %s%s; it %s no effect",
		show(name), l.suggest(name, names), keptWord(keep))
}

func keptWord(keep bool) string {
	if keep {
		return "is kept but has"
	}
	return "has"
}

// once reports a setting that occurs for the second time.
func (l *loader) once(name string, s statement) {
	if _, again := l.seen[name]; again {
		l.problem(s.offset, name, true, "%s is set twice; the later one counts", name)
	}
	l.seen[name] = s.offset
}

func (l *loader) readAccount(statements []statement, offset int) {
	l.account = ""
	if len(l.settings.Accounts) == maxBlocks {
		l.problem(offset, accountsTable, true, "there are more than %d accounts; this one is left out", maxBlocks)
		return
	}
	var a Account
	i := slices.IndexFunc(statements, func(s statement) bool { return s.name() == idKey.Name })
	if i < 0 {
		l.problem(offset, accountsTable, true, "an account needs an id, its address: id = \"user@domain\"; the account is left out")
		return
	}
	id := statements[i].value
	if id.kind != kindText || !idKey.rule.allowsText(id.text) {
		l.problem(at(statements[i]), accountsTable+".id", true, "id must be %s, not %s; the account is left out", idKey.Want(), id.show())
		return
	}
	if l.settings.Account(id.text) != nil {
		l.problem(at(statements[i]), accountsTable+".id", true, "there is an account %s already; this one is left out", id.text)
		return
	}
	a = NewAccount(id.text)
	place := accountPlace(a.ID)
	readFields(l, accountKeys, &a, place, slices.Delete(slices.Clone(statements), i, i+1))
	l.settings.Accounts = append(l.settings.Accounts, a)
	l.account = a.ID
}

func (l *loader) readApp(statements []statement, offset int) {
	if len(l.settings.API.Apps) == maxBlocks {
		l.problem(offset, appsTable, true, "there are answers for more than %d programs; this one is left out", maxBlocks)
		return
	}
	var g AppGrant
	// The place depends on fields still to be read: read them first.
	scratch := &loader{doc: l.doc, loaded: loaded{extras: extras{}}, seen: map[string]int{}}
	readFields(scratch, appKeys, &g, "", statements)
	if g.Name == "" {
		l.problem(offset, appsTable, true, "a program needs a name; it is left out")
		return
	}
	if l.settings.API.Grant(g.Name, g.Executable) != nil {
		l.problem(offset, appsTable, true, "there is an answer for program %s already; this one is left out", show(g.Name))
		return
	}
	place := appPlace(g)
	g = AppGrant{}
	readFields(l, appKeys, &g, place, statements)
	l.settings.API.Apps = append(l.settings.API.Apps, g)
}

// readFields reads the statements of one account or program.
func readFields[T any](l *loader, keys []Key[T], t *T, place string, statements []statement) {
	table, _, _ := strings.Cut(place, "/")
	for _, s := range statements {
		i := slices.IndexFunc(keys, func(k Key[T]) bool { return k.Name == s.name() })
		if i >= 0 {
			l.once(place+"/"+s.name(), s)
			read(l, keys[i], t, table+"."+s.name(), s)
			continue
		}
		var names []string
		for _, k := range keys {
			names = append(names, k.Name)
		}
		keep := s.raw != "" && s.name() != idKey.Name
		if keep {
			l.extras[place] = append(l.extras[place], s.raw)
		}
		l.problem(s.offset, table+"."+s.name(), !keep, "there is no setting %s in %s%s; it %s no effect",
			show(s.name()), table, l.suggest(s.name(), names), keptWord(keep))
	}
}

// read sets the setting of t from a statement, or reports why it cannot.
func read[T any](l *loader, k Key[T], t *T, name string, s statement) {
	v, ok, want := s.value, false, k.Want()
	switch p := k.ref(t).(type) {
	case *string:
		if ok = v.kind == kindText && k.rule.allowsText(v.text); ok {
			*p = v.text
		}
	case *bool:
		if ok = v.kind == kindBool; ok {
			*p = v.truth
		}
	case *int, *time.Duration:
		ok = v.kind == kindNumber && k.setNumber(t, v.number)
	case *[]string:
		texts, isTexts := v.texts()
		list, allowed := k.rule.list(texts)
		if ok = isTexts && allowed; ok {
			*p = list
		}
		want = k.rule.explain(want, texts)
	}
	if !ok {
		l.problem(at(s), name, true, "%s must be %s, not %s; %s is used", name, want, v.show(), show(k.Get(t)))
	}
}

// together checks what concerns several settings.
func (l *loader) together() {
	s := &l.settings
	if !portsFit(s.Network) {
		place, ok := l.seen["network.rtp_port_min"]
		if !ok {
			place = l.seen["network.rtp_port_max"]
		}
		l.problem(place, "network.rtp_port_min", true, "%s; any port is used", portsWant)
		s.Network.RTPPortMin, s.Network.RTPPortMax = 0, 0
	}
	if !forwardFits(s.Calls) {
		l.problem(l.seen["calls.forward_no_answer_to"], "calls.forward_after", true,
			"calls.forward_after must be %s; such calls are not forwarded", forwardWant)
		s.Calls.ForwardNoAnswerTo = ""
	}
	if s.Calls.Forwarding && s.Calls.ForwardTo == "" {
		l.problem(l.seen["calls.forwarding"], "calls.forwarding", true, "calls.forwarding must be %s; calls are not forwarded", forwardToWant)
		s.Calls.Forwarding = false
	}
	if s.DefaultAccount != "" && s.Account(s.DefaultAccount) == nil {
		l.problem(l.seen["general.default_account"], "general.default_account", true,
			"there is no account %s; the first enabled one is used", show(s.DefaultAccount))
		s.DefaultAccount = ""
	}
}

// at returns the place of a statement's value, else of the statement.
func at(s statement) int {
	if s.value.offset >= 0 {
		return s.value.offset
	}
	return s.offset
}

// texts returns the elements of a list of texts.
func (v value) texts() ([]string, bool) {
	if v.kind != kindList {
		return nil, false
	}
	var out []string
	for _, e := range v.list {
		if e.kind != kindText {
			return nil, false
		}
		out = append(out, e.text)
	}
	return out, true
}

// show returns the value for a message.
func (v value) show() string {
	switch v.kind {
	case kindText:
		return show(v.text)
	case kindBool:
		return strconv.FormatBool(v.truth)
	case kindNumber:
		return strconv.FormatInt(v.number, 10)
	case kindList:
		if texts, ok := v.texts(); ok {
			return show(strings.Join(texts, ", "))
		}
	}
	return string(v.kind)
}

// show returns s quoted and cut to a length that fits into a message.
func show(s string) string {
	const most = 60
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Cf) }) {
		return strconv.QuoteToASCII(s)
	}
	return strconv.Quote(s)
}
