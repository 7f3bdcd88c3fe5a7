package gui

import (
	"strconv"

	"fyne.io/fyne/v2"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/middleware"
)

// lookup is part of source.
func (p *preferences) lookup(key string) (value, standard string, ok bool) {
	k, err := middleware.FindSettingKey(key)
	if err != nil {
		return "", "", false
	}
	set := p.w.phone.Settings()
	return k.Get(&set), k.Default, true
}

// put is part of source: it saves the setting.
func (p *preferences) put(key, value string, done func(error)) {
	p.w.setSetting(key, value, done)
}

// setSetting saves one setting away from the window's thread; done gets the error
// on it, or nil.
func (w *Window) setSetting(key, value string, done func(error)) {
	k, err := middleware.FindSettingKey(key)
	if err != nil {
		done(err)
		return
	}
	w.changeSettings(func(s *middleware.Settings) error { return k.Set(s, value) }, done)
}

func (p *preferences) callsPage() fyne.CanvasObject {
	f := &p.form
	return rows(
		heading(pageCalls.word()),
		group(i18n.T("When somebody calls"),
			f.check("calls.do_not_disturb"),
			f.check("calls.call_waiting"),
			f.times("calls.ring_timeout", "", 30, 60, 120, 180, 300),
			f.text("calls.ringtone", i18n.T("built-in tone")),
		),
		group(i18n.T("Forwarding"),
			f.check("calls.forwarding"),
			f.text("calls.forward_to", i18n.T("a number or an address")),
			f.text("calls.forward_busy_to", i18n.T("nowhere: callers hear that the line is busy")),
			f.text("calls.forward_no_answer_to", i18n.T("nowhere")),
			f.times("calls.forward_after", "", 5, 10, 15, 20, 30, 45, 60, 90),
		),
		group(i18n.T("Automatic answer"),
			f.check("calls.auto_answer"),
			f.times("calls.auto_answer_after", i18n.T("Not at all: answer at once"), 2, 5, 10, 15, 20, 30),
			f.lines("calls.auto_answer_from", i18n.T("everybody")),
			f.check("calls.answer_after_header"),
			hint(i18n.T("Only sound is answered, and never while another call is going on.")),
		),
		group(i18n.T("Who may call"),
			f.lines("calls.reject", i18n.T("nobody is turned away")),
			hint(i18n.T("Addresses, numbers, *@example.org, or how numbers begin with * behind it: 0900*.")),
			f.check("calls.reject_anonymous"),
			f.check("calls.contacts_only"),
			f.check("calls.direct_calls"),
		),
		group(i18n.T("During a call"),
			f.choice("calls.transfers", transferModes()),
			hint(i18n.T("In calls that come through no account you are always asked.")),
			f.check("calls.follow_redirects"),
			f.text("calls.recording_dir", i18n.T("in Parley's own folder")),
			f.choice("calls.history_days", historyTimes()),
		),
	)
}

func (p *preferences) networkPage() fyne.CanvasObject {
	f := &p.form
	return rows(
		heading(pageNetwork.word()),
		f.times("network.keep_alive", i18n.T("Never"), 15, 25, 60, 120, 300),
		f.text("network.dns_server", i18n.T("that of the system")),
		f.text("network.tls_ca", i18n.T("none but those of the system")),
		group(i18n.T("After the next start"),
			f.text("network.listen", i18n.T("every address")),
			f.text("network.port", ""),
			f.text("network.rtp_port_min", i18n.T("0: any")),
			f.text("network.rtp_port_max", i18n.T("0: any")),
			hint(i18n.T("A firewall may need to know these ports. 0 and 0 are any ports for sound.")),
		),
	)
}

func transferModes() []viewmodel.Choice {
	return []viewmodel.Choice{
		{Value: "allow", Label: i18n.T("Call them")}, {Value: "ask", Label: i18n.T("Ask me")}, {Value: "deny", Label: i18n.T("Stay in the call")},
	}
}

func historyTimes() []viewmodel.Choice {
	list := []viewmodel.Choice{{Value: "0", Label: i18n.T("For ever")}}
	for _, n := range []int{7, 30, 90, 180, 365} {
		list = append(list, viewmodel.Choice{Value: strconv.Itoa(n), Label: i18n.T("%d days", n)})
	}
	return list
}

func reliabilities() []viewmodel.Choice {
	return []viewmodel.Choice{
		{Value: "supported", Label: i18n.T("Where the other side can")}, {Value: "required", Label: i18n.T("Always, or no call")}, {Value: "off", Label: i18n.T("Never")},
	}
}
