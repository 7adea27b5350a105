import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { dashboard, metricNames, operationsPath, rules, ruleTests, skipWithout } from './operations.ts'

describe('the alert rules', { skip: skipWithout('promtool') }, () => {
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
    assert.equal(status, 0, `${stdout}${stderr}`)
  }
  it('are rules', () => promtool('check', 'rules', operationsPath('alert-rules.yaml')))
  it('fire when they should, and are silent when not', () =>
    promtool('test', 'rules', operationsPath('alert-rules.test.yaml')))
})

describe('each alert', () => {
  it('has a test in which it fires and one in which it is silent', () => {
    const cases = ruleTests.flatMap((test) => test.alert_rule_test)
    for (const { alert } of rules) {
      const own = cases.filter(({ alertname }) => alertname === alert)
      assert.ok(
        own.some(({ exp_alerts: fired }) => fired.length > 0) &&
          own.some(({ exp_alerts: fired }) => fired.length === 0),
        alert
      )
    }
  })

  it('says what is the matter and what to do next', () => {
    for (const { alert, labels, annotations } of rules) {
      assert.match(labels.severity, /^(critical|warning)$/, alert)
      assert.match(annotations.summary, /\{\{ \$labels\.instance \}\}/, alert)
      assert.ok(annotations.description.length > 40, alert)
    }
  })
})

describe('the dashboard', () => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  it('has its rows in order, and panels that do not overlap', () => {
    const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)
    assert.deepEqual(rows, [
      'Health at a glance',
      'Sync',
      'Pipeline',
      'Peers',
      'Requests and serving',
      'Discovery',
      'Storage and machine'
    ])
    const taken = new Map<string, string>()
    for (const { title, gridPos } of dashboard.panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.equal(taken.get(`${x} ${y}`), undefined, title)
          taken.set(`${x} ${y}`, title)
        }
      }
    }
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  })

  it('asks the data source and the nodes that are chosen, and explains every panel', () => {
    assert.ok(dashboard.schemaVersion >= 36)
    const variables = dashboard.templating.list.map(({ name, type }) => `${name}: ${type}`)
    assert.deepEqual(variables, ['datasource: datasource', 'instance: query'])
    for (const { title, description, datasource, targets = [] } of panels) {
      assert.ok(description !== undefined && description !== '', title)
      assert.deepEqual(datasource, { type: 'prometheus', uid: '$' + '{datasource}' }, title)
      assert.ok(targets.length > 0, title)
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
      for (const { expr } of targets) {
        const [selectors, chosen] = [metricNames(expr).length, expr.split('instance=~"$instance"').length - 1]
        assert.ok(chosen >= selectors, `${title}: ${expr}`)
      }
    }
  })
})
