"""What every field shares whose text is the server's and is typed here: telling it once the typing stops, and knowing
the echo of what was told.

An echo may be late: over a slow line more has been typed and told by the time the first of it comes back.
"""

from __future__ import annotations

ECHOES = r"""
const ECHO_MS = 10_000;
const bare = (text) => text.replace(/\s/g, "");

// What the server says is taken, but for the echoes of what it was told from here: those that are still awaited, in
// the order in which they were told. One that has not come for long never comes. Spaces do not make it another text.
const useTold = (said, take) => {
  const told = useRef(said);
  const awaited = useRef([]);
  const timer = useRef(undefined);

  useEffect(() => {
    const since = Date.now() - ECHO_MS;
    const echoes = awaited.current.filter(({ at }) => at > since);
    const heard = echoes.findIndex(({ text }) => bare(text) === bare(said));
    awaited.current = echoes.slice(heard + 1);
    if (heard >= 0 || bare(said) === bare(told.current)) return;
    clearTimeout(timer.current);
    told.current = said;
    awaited.current = [];
    take(said);
  }, [said]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return {
    later: (act, delay) => {
      clearTimeout(timer.current);
      timer.current = setTimeout(act, delay);
    },
    // Whether there was anything new to tell.
    tell: (text, send) => {
      clearTimeout(timer.current);
      if (text === told.current) return false;
      told.current = text;
      awaited.current.push({ text, at: Date.now() });
      send(text);
      return true;
    },
  };
};
"""
