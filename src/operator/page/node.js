import { Chart } from './chart.js'
import { byId, setText } from './dom.js'
import { showEvents } from './events.js'
import { showFigures } from './figures.js'
import { bytes, count, rate, timeOf } from './format.js'
import { History } from './history.js'
import { showFacts, showParts } from './parts.js'
import { showPeers } from './peers.js'
import { showRanges, showStages } from './pipeline.js'
import { ask, poll } from './poll.js'
import { showSilence, showVerdict, showWait, showWay } from './verdict.js'

const history = new History()
const heights = new Chart(
  'heights',
  [
    { name: 'known', tone: '--muted', dashed: true },
    { name: 'executed', tone: '--muted' },
    { name: 'synced', tone: '--accent' }
  ],
  count
)
const rates = new Chart('rates', [{ name: 'commits', tone: '--accent', filled: true }], (value) => `${rate(value)}/s`)

async function update(signal) {
  const [status] = await Promise.all([ask('status', signal), history.update(signal)])
  showVerdict(status)
  showWay(status, history.rate('highestSynced'))
  showWait(status)
  showFigures(status, history)
  const { seconds, columns } = history
  const known = columns.highestKnown.map((height, at) => Math.max(height, columns.highestSynced[at]))
  heights.show([seconds, known, columns.highestExecuted, columns.highestSynced])
  rates.show([seconds, history.rates('highestSynced')])
  showStages(status)
  showRanges(status, bytes)
  showPeers(status)
  showEvents(status)
  showParts(status)
  showFacts(status)
  setText(byId('updated'), `As of ${timeOf(status.atMs)}, every second. Read only.`)
}

poll(update, showSilence)
