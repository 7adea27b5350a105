import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { filesOf, ROOT, readDocuments } from './markdown.ts'

const documents = await readDocuments()
const byPath = new Map(documents.map((document) => [document.path, document]))

test('the documents are found, and have links', () => {
  for (const path of ['README.md', 'docs/attack-catalogue.md', 'protocols/README.md']) assert.ok(byPath.has(path), path)
  assert.ok(documents.flatMap(({ links }) => links).length > 50)
})

test('every link leads to a file, and every anchor to a heading', () => {
  const broken = documents.flatMap(({ path, links }) =>
    links.flatMap(({ where, path: target, anchor }) => {
      const file = target === '' ? path : join(path, '..', decodeURIComponent(target))
      if (!existsSync(`${ROOT}${file}`)) return `${where}: there is no ${file}`
      if (anchor === undefined || !file.endsWith('.md') || byPath.get(file)?.anchors.has(anchor)) return []
      return `${where}: ${file} has no heading #${anchor}`
    })
  )
  assert.deepEqual(broken, [])
})

test('every file that a document names is there', async () => {
  const names = new Set((await filesOf('**/*')).map((path) => basename(path)))
  const lost = documents.flatMap(({ spans }) =>
    spans.flatMap(({ where, text }) => {
      const isPath = /^(src|examples|test|docs|bench|protocols|operations|\.ci)\/[\w./-]+$/.test(text)
      if (isPath) return existsSync(`${ROOT}${text}`) ? [] : `${where}: there is no ${text}`
      if (!/^[\w-]+\.(test\.)?ts$/.test(text)) return []
      return names.has(text) ? [] : `${where}: no file is called ${text}`
    })
  )
  assert.deepEqual(lost, [])
})
