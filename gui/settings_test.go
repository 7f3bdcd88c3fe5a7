package gui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"parley/gui/widgets"
	"parley/middleware"
)

// fieldOf returns the field of a key.
func fieldOf(t *testing.T, f *keyForm, key string) *keyField {
	t.Helper()
	for _, k := range f.fields {
		if k.key == key {
			return k
		}
	}
	t.Fatalf("there is no field for %s", key)
	return nil
}

// entryOf returns the entry of a field that is typed.
func entryOf(t *testing.T, f *keyForm, key string) *widgets.Entry {
	t.Helper()
	var found *widgets.Entry
	each(fieldOf(t, f, key).box, func(e *widgets.Entry) { found = e })
	if found == nil {
		t.Fatalf("the field of %s has no entry", key)
	}
	return found
}

func checkOf(t *testing.T, f *keyForm, key string) *widgets.Check {
	t.Helper()
	var found *widgets.Check
	each(fieldOf(t, f, key).box, func(c *widgets.Check) { found = c })
	if found == nil {
		t.Fatalf("the field of %s has no box", key)
	}
	return found
}

func TestAccountFormSaysWhichFieldIsWrong(t *testing.T) {
	r := newRig(t)
	r.w.showAccount("")
	form := r.w.prefs.accounts.form
	entryOf(t, &form.form, "id").SetText("alice@example.org")
	rules := entryOf(t, &form.form, "dial_rules")
	rules.SetText("00.=+.\nnonsense")
	test.Tap(form.save)
	if form.tabs.shown != 3 {
		t.Errorf("tab %d is shown, want that of the field that is wrong, 3", form.tabs.shown)
	}
	got := fieldOf(t, &form.form, "dial_rules").trouble.Text()
	if !strings.HasPrefix(got, "Dial rules: “00.=+.,nonsense” cannot be used.") {
		t.Errorf("the field complains %q", got)
	}
	if r.w.prefs.trouble.Text() != got {
		t.Errorf("the page complains %q, want %q", r.w.prefs.trouble.Text(), got)
	}
	rules.SetText("00.=+.\n\n 0.=+49. ")
	entryOf(t, &form.form, "pickup_code").SetText("*8")
	checkOf(t, &form.form, "registration").SetChecked(false)
	test.Tap(form.save)
	r.until("the account", func() bool { return r.w.prefs.accounts.form == nil })
	acc, err := r.phone.App.AccountManager().GetAccount("alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	set := acc.Settings()
	if got := strings.Join(set.DialRules, "|"); got != "00.=+.|0.=+49." || set.PickupCode != "*8" || set.Registration {
		t.Errorf("saved are rules %q, pickup %q, registration %t", got, set.PickupCode, set.Registration)
	}
}

func TestDialRulesAreTriedInTheForm(t *testing.T) {
	r := newRig(t)
	r.w.showAccount("")
	form := r.w.prefs.accounts.form
	entryOf(t, &form.form, "id").SetText("201@pbx.example.com")
	entryOf(t, &form.form, "dial_rules").SetText("00.=+.")
	form.test.entry.SetText("0049 30")
	test.Tap(form.test.button)
	if got, want := form.test.outcome.Text(), "+4930@pbx.example.com would be called."; got != want {
		t.Errorf("the test says %q, want %q", got, want)
	}
	if got, want := form.test.steps.Text(), "Without separators: 004930\nRule 1, 00.=+., makes +4930 of 004930."; got != want {
		t.Errorf("the steps are %q, want %q", got, want)
	}
	form.test.entry.SetText("")
	test.Tap(form.test.button)
	if got, want := form.test.outcome.Text(), "That is neither a number nor an address."; got != want {
		t.Errorf("the test of nothing says %q, want %q", got, want)
	}
}

// A setting is taken over when the field is left, not letter by letter, and a
// choice that is refused goes back.
func TestCallSettingsApplyAtOnce(t *testing.T) {
	r := newRig(t)
	r.w.showPreferences(pageCalls)
	f := &r.w.prefs.form
	calls := func() middleware.Settings { return r.phone.App.Settings() }

	forward := checkOf(t, f, "calls.forwarding")
	test.Tap(forward)
	r.until("the complaint", func() bool { return fieldOf(t, f, "calls.forwarding").err != nil })
	if forward.Checked() || calls().Calls.Forwarding {
		t.Error("calls are forwarded to nowhere")
	}
	to := entryOf(t, f, "calls.forward_to")
	to.SetText("200")
	if got := calls().Calls.ForwardTo; got != "" {
		t.Errorf("half a number was saved: %q", got)
	}
	to.FocusLost()
	r.until("the target", func() bool { return calls().Calls.ForwardTo == "200" })
	test.Tap(forward)
	r.until("the forwarding", func() bool { return calls().Calls.Forwarding })

	entryOf(t, f, "calls.reject").SetText("0900*\nspam@example.org")
	r.w.prefs.show(pageGeneral) // takes over what is typed
	r.until("the list", func() bool { return strings.Join(calls().Calls.Reject, "|") == "0900*|spam@example.org" })
}

// each calls f for every T in an object and all it shows.
func each[T fyne.CanvasObject](o fyne.CanvasObject, f func(T)) {
	if found, ok := o.(T); ok {
		f(found)
		return
	}
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			each(child, f)
		}
	case fyne.Widget:
		for _, child := range test.WidgetRenderer(o).Objects() {
			each(child, f)
		}
	}
}
