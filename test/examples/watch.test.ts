import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { ControlError } from '../../examples/cli/cli-error.ts'
import type { Paint } from '../../examples/cli/format-report.ts'
import type { NodeReport } from '../../examples/cli/node-report.ts'
import { fitLine, wrapText } from '../../examples/cli/watch/fit-line.ts'
import { peerLines, peersScreen } from '../../examples/cli/watch/peers-screen.ts'
import { statusLine } from '../../examples/cli/watch/status-line.ts'
import { statusScreen } from '../../examples/cli/watch/status-screen.ts'
import { type Watched, watchNode } from '../../examples/cli/watch/watch-node.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { idleReport } from './idle-report.ts'

const plain: Paint = (_, text) => text
const NOW = 1_700_000_100_000
const rate = { speed: { commitsPerSecond: 120, blocksPerSecond: 480, bytesPerSecond: 2 * 1024 ** 2 }, secondsLeft: 83 }

const peers = Array.from({ length: 40 }, (_, at) => ({
  peerId: `12D3KooWExampleOfAPeerIdWhichIsAsLongAsTheyAre${String(at).padStart(6, '0')}`,
  address: `/ip4/192.0.2.${at}/tcp/9000`,
  direction: at % 2 === 0 ? 'inbound' : 'outbound',
  source: 'gossip',
  connectedMs: 61_000,
  isProtected: at === 0,
  score: { bytesPerMinute: at * 1_024, penalty: 0 },
  highestCommit: 1_000 + at,
  lowestCommit: 1
})) satisfies NodeReport['peers']

const stuck: NodeReport = {
  ...idleReport,
  highestSynced: { index: 500, digest: '' },
  highestKnown: 1_000,
  peers,
  health: {
    storage: { state: 'ok' },
    executor: { state: 'failed', reason: 'commit 501 is refused \u001b[2J' },
    'state-sync': { state: 'degraded', reason: 'the peers have pruned it' }
  },
  sync: {
    ...idleReport.sync,
    waiting: {
      cause: 'pruned-everywhere',
      commit: 501,
      sinceMs: NOW - 125_000,
      explanation: `commit 501 is nowhere to be had: ${'the peers have pruned it. '.repeat(6)}`,
      asked: peers.map(({ peerId }) => ({ peerId, atMs: NOW - 1_000, answer: 'has commits 700 to 1000' }))
    }
  },
  events: Array.from({ length: 100 }, (_, at) => ({
    atMs: NOW - at,
    level: 'warn' as const,
    kind: 'banned' as const,
    text: `event ${at} ${'which is told at length '.repeat(10)}`
  }))
}

test('a line is cut to the width that there is, its colours left whole; a text is broken between words', () => {
  const red = '\u001b[31mabcdef\u001b[39mghij'
  assert.equal(fitLine(red, 10), red)
  assert.equal(stripVTControlCharacters(fitLine(red, 8)), 'abcdefg…')
  assert.equal(fitLine(red, 4), '\u001b[31mabc…\u001b[39m')
  assert.deepEqual(wrapText('one two three', 7), ['one two', 'three'])
  assert.deepEqual(wrapText('averylongword x', 6), ['averyl', 'ongwor', 'd x'])
})

describe('the screen of a stuck node', () => {
  for (const [columns, rows] of [
    [80, 24],
    [140, 40],
    [40, 60]
  ] as const) {
    it(`has what matters in ${columns} by ${rows}, and no line more`, () => {
      const lines = statusScreen(stuck, { rate, now: NOW, paint: plain }, { columns, rows })
      assert.ok(lines.length <= rows, `${lines.length} lines`)
      const text = lines.map((line) => fitLine(line, columns)).join('\n')
      assert.match(text, /waits for commit 501 for 2 min 5 s/)
      assert.match(text, /has commits/)
      assert.match(text, /failed executor: commit 501 i/)
      assert.ok(!text.includes('\u001b') && !text.includes('left'))
      assert.match(text, /40 connected/)
      assert.match(text, /event 99 /)
    })
  }

  it('shares its room: few peers leave it to the events', () => {
    const lines = statusScreen({ ...stuck, peers: [] }, { rate, now: NOW, paint: plain }, { columns: 80, rows: 40 })
    assert.equal(lines.length, 40)
    assert.match(lines.at(-1) ?? '', /event \d+/)
  })
})

test('the screen of a node that catches up has a bar, how fast it is, and how long it will take', () => {
  const report = { ...stuck, sync: { ...idleReport.sync, waiting: undefined } }
  const text = statusScreen(report, { rate, now: NOW, paint: plain }, { columns: 80, rows: 24 }).join('\n')
  assert.match(text, /█{12}░{12} commit 500 of 1000, 50\.0 %/)
  assert.match(text, /120 commits\/s, 480 blocks\/s, 2\.0 MiB\/s, 1 min 23 s left/)
})

test('a status is one line for a file', () => {
  assert.equal(
    statusLine({ ...stuck, peers: [] }, rate, NOW),
    '2023-11-14T22:15:00.000Z commit 500 of 1000, 120 commits/s, 480 blocks/s, 2.0 MiB/s, 0 peers, waits: pruned-everywhere, executor failed'
  )
})

test('peers are a table, the busiest first, that leaves room for bans', () => {
  const bans = Array.from({ length: 30 }, (_, at) => ({
    peerId: `Qm${at}`,
    reason: 'BLOCK_INVALID',
    untilMs: NOW + 60_000
  }))
  const lines = peersScreen({ peers, bans }, NOW, plain, { columns: 80, rows: 24 })
  assert.equal(lines.length, 24)
  assert.match(lines[0] ?? '', /^40 connected, 20 of them dialled us; 30 banned/)
  assert.match(lines[3] ?? '', /^…\S+000039 +1039/)
  assert.match(lines.join('\n'), /and 2\d more/)
  assert.match(lines.join('\n'), /Qm0 {2}for 1 min 0 s more: BLOCK_INVALID/)
  assert.equal(peerLines({ peers, bans }, NOW).length, 41)
})

describe('watching', () => {
  function setUp(isTTY: boolean) {
    const clock = new ManualClock()
    const controller = new AbortController()
    const written: string[] = []
    const stream = Object.assign(new EventEmitter(), {
      isTTY,
      columns: 20,
      rows: 4,
      write: (text: string) => written.push(text) > 0
    })
    let answer: number | Error = 0
    const watched: Watched<number> = {
      ask: async () => {
        if (typeof answer === 'number') return answer
        throw answer
      },
      screen: (report, { rows }) => Array.from({ length: report }, (_, at) => `line ${at + 1} of ${rows}`),
      lines: (report) => [`now ${report}`],
      warn: (text) => text
    }
    const done = watchNode(watched, { stream: stream as never, clock, signal: controller.signal })
    const settle = async () => {
      while (clock.sleeping === 0) await new Promise(setImmediate)
    }
    const then = async (value: number | Error) => {
      await settle()
      answer = value
      written.length = 0
      clock.advance(1_000)
    }
    const next = async (value: number | Error) => {
      await then(value)
      await settle()
      return written.join('')
    }
    return { next, then, settle, stream, written, stop: () => controller.abort(), done }
  }
  const gone = new ControlError('CONTROL_NO_NODE', 'no node is running on data')

  it('draws in place, no more than there is room for, and leaves the terminal as it was', async () => {
    const { next, settle, written, stop, done, stream } = setUp(true)
    await settle()
    assert.ok(written[0]?.startsWith('\u001b[?1049h\u001b[?25l'))
    assert.equal(stripVTControlCharacters(await next(2)), 'line 1 of 4\r\nline 2 of 4')
    assert.equal(stripVTControlCharacters(await next(9)), 'line 1 of 4\r\nline 2 of 4\r\nline 3 of 4\r\n… 6 more lines')
    written.length = 0
    stream.columns = 8
    stream.emit('resize')
    assert.match(stripVTControlCharacters(written.join('')), /^line 1 …\r\n/)
    stop()
    await done
    assert.ok(written.at(-1)?.endsWith('\u001b[?25h\u001b[?1049l'))
    assert.deepEqual([stream.listenerCount('resize'), stream.listenerCount('error')], [0, 0])
  })

  it('says that the node is gone, with what was seen last, and comes back with it', async () => {
    const { next, stop, done, stream } = setUp(true)
    Object.assign(stream, { columns: 80 })
    await next(1)
    const text = stripVTControlCharacters(await next(gone))
    assert.match(
      text,
      /^no node is running on data, since [\d:]+; looking each second\r\nas it was seen last, at [\d:]+:\r\nline 1 of 2$/
    )
    assert.equal(stripVTControlCharacters(await next(1)), 'line 1 of 4')
    stop()
    await done
  })

  it('appends lines to a pipe, without a control sequence, and one when the node goes', async () => {
    const { next, stop, done } = setUp(false)
    assert.equal(await next(7), 'now 7\n')
    assert.match(await next(gone), /^\S+Z no node is running on data\n$/)
    assert.equal(await next(gone), '')
    assert.equal(await next(8), 'now 8\n')
    stop()
    await done
  })

  it('ends when nobody reads any more, and fails with what is no answer of a node', async () => {
    const pipe = setUp(false)
    await pipe.settle()
    pipe.stream.emit('error', new Error('EPIPE'))
    await pipe.done
    const broken = setUp(true)
    await broken.settle()
    const failed = assert.rejects(broken.done, /a mistake/)
    await broken.then(new TypeError('a mistake'))
    await failed
    assert.ok(broken.written.at(-1)?.endsWith('\u001b[?1049l'))
  })
})
