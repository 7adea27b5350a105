import { byId, make, setChildren, setText } from './dom.js'
import { count, plural, rate, short } from './format.js'

const NAMES = {
  'fetch-commits': 'Fetch commits',
  'verify-commits': 'Verify commits',
  'fetch-blocks': 'Fetch blocks',
  'verify-blocks': 'Verify blocks',
  assemble: 'Assemble',
  store: 'Store'
}

const STATES = {
  waiting: 'waiting',
  asked: 'fetching commits',
  verifying: 'fetching blocks',
  failed: 'to be asked again',
  ready: 'whole'
}

let before

/** The stages, what is queued before each, and how fast it works. */
export function showStages({ sync: { stages }, atMs }) {
  const seconds = before === undefined ? Number.NaN : (atMs - before.atMs) / 1000
  setChildren(
    byId('stages'),
    stages,
    ({ name }) => name,
    makeStage,
    (item, stage) => {
      const [, queue, bar, note] = item.children
      setText(queue.firstChild, count(stage.queued))
      setText(queue.lastChild, ` ${stage.unit}`)
      // A logarithm: one is seen, and a thousand does not hide the rest.
      bar.firstChild.style.width = `${Math.min(100, 25 * Math.log10(1 + stage.queued))}%`
      const done = stage.done - (before?.stages.find(({ name }) => name === stage.name)?.done ?? stage.done)
      const [speed, failed] = note.children
      setText(speed, seconds > 0 ? `${rate(done / seconds)}/s` : '–/s')
      setText(failed, stage.failed === 0 ? '' : ` ${count(stage.failed)} failed`)
      note.title = `${count(stage.done)} ${stage.unit} since the start, ${count(stage.failed)} failed, ${count(stage.busySeconds)} s of work`
    }
  )
  if (!(seconds < 0.5)) before = { atMs, stages }
}

function makeStage({ name }) {
  const title = make('h4', '', NAMES[name] ?? name)
  return make(
    'li',
    '',
    title,
    make('p', 'queued', make('b'), make('small')),
    make('div', 'queue', make('i')),
    make('p', '', make('span'), make('span', 'failed'))
  )
}

/** Which range is where: a strip of the commits that are on their way, and what is known of each. */
export function showRanges({ sync: { ranges }, highestSynced, highestKnown, bytesInFlight }, formatBytes) {
  const sorted = ranges.toSorted((a, b) => a.start - b.start)
  const pieces = []
  let next = highestSynced.index + 1
  for (const range of sorted) {
    if (range.start > next) pieces.push({ key: `gap ${next}`, commits: range.start - next, state: 'gap' })
    pieces.push({ key: `range ${range.end}`, commits: range.end - range.start + 1, state: range.state })
    next = Math.max(next, range.end + 1)
  }
  const held = bytesInFlight > 0 ? `, ${formatBytes(bytesInFlight).join(' ')} in flight` : ''
  const beyond =
    sorted.length > 0 && highestKnown >= next ? `, ${count(highestKnown - next + 1)} commits still to be asked for` : ''
  setText(byId('ranges-note'), sorted.length === 0 ? '' : `${plural(sorted.length, 'range')}${held}${beyond}`)
  setChildren(
    byId('strip'),
    pieces,
    ({ key }) => key,
    () => make('span'),
    (piece, { commits, state }) => {
      piece.style.flexGrow = commits
      piece.dataset.state = state
    }
  )
  const list = byId('ranges')
  setChildren(
    list,
    sorted,
    ({ end }) => String(end),
    () => make('li', '', make('b'), make('span'), make('span')),
    showRange
  )
  byId('no-ranges').hidden = sorted.length > 0
  const isWhole = highestKnown <= highestSynced.index
  setText(
    byId('no-ranges'),
    isWhole ? 'None: everything that is known is stored.' : 'None: nothing can be asked for at present.'
  )
}

function showRange(item, { start, end, state, peer, attempts }) {
  const [commits, what, who] = item.children
  item.dataset.state = state
  setText(commits, start === end ? count(start) : `${count(start)}–${count(end)}`)
  setText(what, STATES[state] ?? state)
  setText(
    who,
    peer === undefined
      ? attempts > 0
        ? plural(attempts, 'attempt')
        : 'nobody asked'
      : `${short(peer)}${attempts > 1 ? `, attempt ${attempts}` : ''}`
  )
  who.title = peer ?? ''
}
