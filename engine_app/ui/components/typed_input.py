"""A field whose text is the server's, and which tells the server what was typed once the typing stops.

While a person types, the field shows what was typed and nothing else: a text field that takes each letter from the
server loses those that are typed faster than it answers.
"""

from __future__ import annotations

from typing import ClassVar

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML

from engine_app.ui.components.echoes import ECHOES

_TYPED_INPUT = """
const TypedInput = ({ value, delay, options, onTyped, onEnter, ref, ...rest }) => {
  const said = value ?? "";
  const [text, setText] = useState(said);
  const told = useTold(said, setText);
  const tell = (typed) => told.tell(typed, (news) => onTyped?.(news));

  const choices = () =>
    options ? [...document.querySelectorAll(`#${options} [role=option]`)] : [];
  const mark = (chosen, field) => {
    for (const choice of choices()) choice.setAttribute("aria-selected", String(choice === chosen));
    if (chosen) {
      chosen.scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", chosen.id);
    } else field.removeAttribute("aria-activedescendant");
  };

  const onKeyDown = (event) => {
    const marked = choices().findIndex((choice) => choice.getAttribute("aria-selected") === "true");
    if (options && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const all = choices();
      if (!all.length) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = marked < 0 ? (step > 0 ? 0 : all.length - 1) : (marked + step + all.length) % all.length;
      mark(all[next], event.currentTarget);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      if (options || onEnter) event.preventDefault();
      if (marked >= 0) choices()[marked].click();
      else if (options || !tell(event.currentTarget.value)) onEnter?.(event.currentTarget.value);
    }
  };

  return jsx("input", {
    ...rest,
    ref,
    value: text,
    "data-typing": bare(text) === bare(said) ? undefined : "true",
    onChange: (event) => {
      const typed = event.target.value;
      setText(typed);
      mark(undefined, event.target);
      told.later(() => tell(typed), delay);
    },
    onBlur: (event) => tell(event.target.value),
    onKeyDown,
  });
};
"""


class TypedInput(BaseHTML):  # type: ignore[misc]
    """An input. With `options` it leads through a list: arrows mark one of its options, Enter takes it.

    Attributes:
        value: the text, as the server has it.
        delay: milliseconds without a key after which the typing has stopped; leaving the field or Enter ends it too.
        options: the id of the list that it leads through.
        on_typed: is handed the text when the typing has stopped.
        on_enter: is handed the text on Enter, where it was told before or there is a list of which nothing is marked.
    """

    tag = "TypedInput"
    _is_tag_in_global_scope: ClassVar[bool] = False

    value: rx.Var[str]
    name: rx.Var[str]
    placeholder: rx.Var[str]
    auto_complete: rx.Var[str]
    auto_focus: rx.Var[bool]
    max_length: rx.Var[int]
    type: rx.Var[str]
    delay: rx.Var[int]
    options: rx.Var[str]
    on_typed: rx.EventHandler[rx.event.passthrough_event_spec(str)]  # type: ignore[type-arg, valid-type]
    on_enter: rx.EventHandler[rx.event.passthrough_event_spec(str)]  # type: ignore[type-arg, valid-type]

    def add_imports(self) -> dict[str, list[rx.ImportVar]]:
        """What the code uses."""
        return {"react": [rx.ImportVar(tag=tag) for tag in ("useEffect", "useRef", "useState")]}

    def add_custom_code(self) -> list[str]:
        """The field itself."""
        return [ECHOES, _TYPED_INPUT]


typed_input = TypedInput.create
