import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { ACCESS_TYPE } from '../../src/discovery/messages.ts'
import { getKnownPeers } from '../../src/discovery/protocols.ts'
import type { RpcProtocol } from '../../src/rpc/rpc.ts'
import { STATUS } from '../../src/rpc/rpc-error.ts'
import type { WireField, WireMessage } from '../../src/runtime/wire-message.ts'
import * as stateSync from '../../src/state-sync/protocols.ts'
import { declaredMessages, protocolsUrl } from './wire-messages.ts'

type Row = readonly string[]

describe('protocols/README.md', () => {
  let text: string
  let messages: Map<string, WireMessage<unknown>>

  before(async () => {
    text = await readFile(new URL('README.md', protocolsUrl), 'utf8')
    messages = await declaredMessages()
  })

  it('has a table of fields for every message, as the message is', () => {
    for (const [name, message] of messages) {
      const written = tableAfter(text, new RegExp(`^#{3,4} ${name}$`, 'm'), 'field')
      const rows = Object.entries(message.fields).map(([field, row]) => rowOf(field, row, message.exactlyOne))
      assert.deepEqual(
        written.map((row) => row.slice(0, 4)),
        rows,
        name
      )
    }
  })

  it('has the limits and deadlines of every RPC', () => {
    const protocols: RpcProtocol<never, never>[] = [getKnownPeers, ...Object.values(stateSync)] as never[]
    const rows = protocols.map(({ name, kind, maxRequestBytes, maxResponseBytes, deadlines }) => [
      `\`${name}\``,
      kind,
      `${grouped(maxRequestBytes)} bytes`,
      `${grouped(maxResponseBytes)} bytes`,
      ...[deadlines.firstFrameMs, deadlines.betweenFramesMs, deadlines.totalMs].map((ms) => `${ms / 1_000} s`)
    ])
    assert.deepEqual(tableAfter(text, /^Limits and deadlines/m, 'name').toSorted(), rows.toSorted())
  })

  it('has the numbers of statuses and access types', () => {
    const statuses = tableAfter(text, /^### Status$/m, 'code').map(([number, name]) => [name, Number(number)])
    assert.deepEqual(
      statuses,
      Object.entries(STATUS).map(([name, number]) => [`\`${screaming(name)}\``, number])
    )
    const types = tableAfter(text, /^### NodeInfo$/m, 'access type').map(([name, number]) => [name, Number(number)])
    assert.deepEqual(
      types,
      Object.entries(ACCESS_TYPE).map(([name, number]) => [`\`${screaming(name)}\``, number])
    )
  })

  it('names every file of vectors', async () => {
    const named = tableAfter(text, /^## Test vectors$/m, 'file').map(([name]) => name?.replaceAll('`', ''))
    assert.deepEqual(named.toSorted(), (await readdir(new URL('vectors/', protocolsUrl))).toSorted())
  })

  it('links to headings that are there', () => {
    const headings = new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? '')))
    for (const [, anchor] of text.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(headings.has(anchor ?? ''), `#${anchor}`)
  })
})

/** The first table with a column of that name at its left, after a place in the text: its rows, cell by cell. */
function tableAfter(text: string, place: RegExp, firstColumn: string): Row[] {
  const found = place.exec(text)
  assert.ok(found, String(place))
  const lines = text.slice(found.index).split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${firstColumn} |`))
  assert.notEqual(start, -1, `no table after ${place}`)
  const rows = lines.slice(start + 2)
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|'))
    )
    .map(cellsOf)
}

function cellsOf(line: string): Row {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

function rowOf(name: string, field: WireField<unknown>, inChoice: boolean): Row {
  const { label, most, type } = field
  const prefix = inChoice ? 'oneof ' : label === 'single' ? '' : `${label} `
  const length = lengthOf(field)
  const limit = label === 'repeated' ? `${grouped(most)}${length === '' ? '' : `, each ${length}`}` : length
  return [`\`${snake(name)}\``, String(field.id), `${prefix}${type.proto}`, limit]
}

function lengthOf({ type: { limit, wireType } }: WireField<unknown>): string {
  if (limit === undefined || wireType === 0) return ''
  return 'length' in limit ? `${grouped(limit.length)} bytes` : `to ${grouped(limit.most)} bytes`
}

function grouped(number: number): string {
  return number.toLocaleString('en-US')
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function screaming(name: string): string {
  return snake(name).toUpperCase()
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(' ', '-')
    .replace(/[^a-z0-9-]/g, '')
}
