package viewmodel_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/middleware"
)

func TestTogglesSayWhatIsOn(t *testing.T) {
	_ = i18n.Use(i18n.English)
	type toggles = viewmodel.Toggles
	type toggle = viewmodel.Toggle
	off := toggles{DoNotDisturb: toggle{Word: "DND"}, Forward: toggle{Word: "Fwd"}, AutoAnswer: toggle{Word: "Auto"}}
	with := func(change func(*toggles)) toggles { t := off; change(&t); return t }
	tests := []struct {
		name   string
		status middleware.UserStatus
		set    func(*middleware.Settings)
		want   toggles
	}{
		{"nothing", middleware.Online, func(*middleware.Settings) {}, off},
		{"away", middleware.Away, func(*middleware.Settings) {}, off},
		{"do not disturb", middleware.DoNotDisturb, func(*middleware.Settings) {}, with(func(t *toggles) {
			t.DoNotDisturb = toggle{true, "DND on", "Do not disturb: callers hear that the line is busy."}
		})},
		{"do not disturb, forwarded", middleware.DoNotDisturb, func(s *middleware.Settings) { s.Calls.ForwardBusyTo = "sip:desk@example.org;x=1" }, with(func(t *toggles) {
			t.DoNotDisturb = toggle{true, "DND on", "Do not disturb: calls go to desk@example.org."}
		})},
		{"forward", middleware.Online, func(s *middleware.Settings) { s.Calls.Forwarding, s.Calls.ForwardTo = true, "200" }, with(func(t *toggles) {
			t.Forward = toggle{true, "Fwd on", "Every call is forwarded to 200."}
		})},
		{"a target alone", middleware.Online, func(s *middleware.Settings) { s.Calls.ForwardTo = "200" }, off},
		{"automatic", middleware.Online, func(s *middleware.Settings) { s.Calls.AutoAnswer, s.Calls.AutoAnswerAfter = true, 5*time.Second }, with(func(t *toggles) {
			t.AutoAnswer = toggle{true, "Auto on", "Calls are answered after 5 seconds."}
		})},
		{"automatic for some", middleware.Online, func(s *middleware.Settings) { s.Calls.AutoAnswer, s.Calls.AutoAnswerFrom = true, []string{"200"} }, with(func(t *toggles) {
			t.AutoAnswer = toggle{true, "Auto on", "Calls from some people are answered at once."}
		})},
	}
	for _, tt := range tests {
		var set middleware.Settings
		tt.set(&set)
		if diff := cmp.Diff(tt.want, viewmodel.NewToggles(tt.status, set, viewmodel.ShortURI)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
