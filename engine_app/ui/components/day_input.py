"""A day in the reader's own calendar, whose server knows it as a moment: where the day begins, or where it has ended.

The browser alone knows the reader's time zone, so it turns one into the other.
"""

from __future__ import annotations

from typing import ClassVar

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML

from engine_app.ui.components.echoes import ECHOES

NO_DAY = "?"
"""What is told of a text that is no day, or none between `min` and `max`."""

_DAY_INPUT = f"""
const dayOf = (moment, last) => {{
  const at = new Date(new Date(moment).getTime() - (last ? 1 : 0));
  if (Number.isNaN(at.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  return `${{at.getFullYear()}}-${{two(at.getMonth() + 1)}}-${{two(at.getDate())}}`;
}};
const momentOf = (day, last) => {{
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + (last ? 1 : 0)).toISOString();
}};

const DayInput = ({{ value, last, delay, onDay, ref, ...rest }}) => {{
  const [day, setDay] = useState(dayOf(value, last));
  // A day that the server has not taken stays.
  const told = useTold(dayOf(value, last), setDay);
  const tell = (field) =>
    told.tell(field.validity.valid ? field.value : "{NO_DAY}", (said) =>
      onDay?.(said && said !== "{NO_DAY}" ? momentOf(said, last) : said));

  return jsx("input", {{
    ...rest,
    ref,
    type: "date",
    value: day,
    onChange: (event) => {{
      const field = event.target;
      setDay(field.value);
      told.later(() => tell(field), delay);
    }},
    onBlur: (event) => tell(event.target),
    onKeyDown: (event) => {{ if (event.key === "Enter") tell(event.currentTarget); }},
  }});
}};
"""


class DayInput(BaseHTML):  # type: ignore[misc]
    """A date field.

    Attributes:
        value: the moment, ISO 8601, as the server has it; empty for none.
        last: whether the moment is where the day has ended.
        delay: milliseconds without a key after which a day is told; leaving the field or Enter tells it at once.
        min, max: the first and last day that can be meant.
        on_day: is handed the moment, an empty text where the field was emptied, or `NO_DAY`.
    """

    tag = "DayInput"
    _is_tag_in_global_scope: ClassVar[bool] = False

    value: rx.Var[str]
    last: rx.Var[bool]
    delay: rx.Var[int]
    min: rx.Var[str]
    max: rx.Var[str]
    on_day: rx.EventHandler[rx.event.passthrough_event_spec(str)]  # type: ignore[type-arg, valid-type]

    def add_imports(self) -> dict[str, list[rx.ImportVar]]:
        """What the code uses."""
        return {"react": [rx.ImportVar(tag=tag) for tag in ("useEffect", "useRef", "useState")]}

    def add_custom_code(self) -> list[str]:
        """The field itself."""
        return [ECHOES, _DAY_INPUT]


day_input = DayInput.create
