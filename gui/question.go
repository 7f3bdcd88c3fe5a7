package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
)

// questionRow is the line of a call's card that asks for a decision, or tells of
// something under way that may be canceled.
type questionRow struct {
	shown   viewmodel.Question
	text    *widgets.Note
	yes, no *widget.Button
	busy    *widget.Activity
	box     *fyne.Container
}

// newQuestionRow calls answer with what the person has chosen.
func newQuestionRow(answer func(q viewmodel.Question, yes bool)) *questionRow {
	q := &questionRow{text: widgets.NewParagraph("", fynetheme.ColorNameForeground), busy: widget.NewActivity()}
	q.yes = widget.NewButtonWithIcon("", fynetheme.ConfirmIcon(), func() { answer(q.shown, true) })
	q.yes.Importance = widget.HighImportance
	q.no = widget.NewButtonWithIcon("", fynetheme.CancelIcon(), func() { answer(q.shown, false) })
	q.box = container.NewVBox()
	q.box.Hide()
	return q
}

// roomForWords is how many letters fit into a button that has another one beside
// it.
const roomForWords = 15

// update shows a question and reports whether it is another one.
func (q *questionRow) update(now viewmodel.Question) bool {
	if now == q.shown {
		return false
	}
	q.shown = now
	q.text.Set(now.Text)
	q.yes.SetText(now.Yes)
	q.no.SetText(now.No)
	enable(q.yes, now.CanYes)
	var buttons []fyne.CanvasObject
	if now.Yes != "" {
		buttons = append(buttons, q.yes)
	}
	if now.No != "" {
		buttons = append(buttons, q.no)
	}
	waiting := now.Kind == viewmodel.AwaitTransfer || now.Kind == viewmodel.AwaitProposal
	var symbol fyne.CanvasObject = widget.NewIcon(fynetheme.NewColoredResource(fynetheme.QuestionIcon(), fynetheme.ColorNamePrimary))
	q.busy.Stop()
	if waiting {
		symbol = container.NewCenter(container.New(fixed{20, 20}, q.busy))
		q.busy.Start()
	}
	q.box.Objects = []fyne.CanvasObject{container.NewBorder(nil, nil, symbol, nil, center(q.text))}
	if len(buttons) > 0 {
		columns := len(buttons)
		if len([]rune(now.Yes)) > roomForWords || len([]rune(now.No)) > roomForWords {
			columns = 1
		}
		q.box.Add(container.NewGridWithColumns(columns, buttons...))
	}
	q.box.Hidden = now.Kind == viewmodel.NoQuestion
	q.box.Refresh()
	return true
}

func enable(b *widget.Button, on bool) {
	if on {
		b.Enable()
	} else {
		b.Disable()
	}
}

// decide carries out what the person has answered to a question of a call.
func (w *Window) decide(id middleware.SessionID, kind viewmodel.QuestionKind, yes bool) {
	s := w.session(id)
	if s == nil {
		return
	}
	switch kind {
	case viewmodel.AskProposal:
		if !yes {
			s.RejectProposal()
		} else if err := s.AcceptProposal(true, false); err != nil {
			w.note(id, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
		}
	case viewmodel.AwaitProposal:
		s.CancelProposal()
	case viewmodel.OfferAudio:
		if yes {
			s.AddAudio()
		}
	case viewmodel.AskTransfer:
		if yes {
			s.AcceptTransfer()
		} else {
			s.RejectTransfer()
		}
	case viewmodel.AskConsultation:
		w.endConsultation(s, yes)
	}
}
