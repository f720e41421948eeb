import { describe, expect, it } from 'vitest'

import { isNearlyName, isPluginName, spellName } from '../../../../../pipeline/validate/fixes/plugin-names.ts'

describe('a name for what cannot be one', () => {
  it.each([
    ['Sage Performance', 'sage-performance', true],
    ['YOLOv5 App', 'yolov5-app', true],
    ['METEKsonic-3d', 'meteksonic-3d', true],
    ['snow classifier', 'snow-classifier', true],
    ['Bird Song Classifier', 'bird-song-classifier', true],
    ['solar irradiance predictor', 'solar-irradiance-predictor', true],
    ['"wind"!', 'wind', true],
    ['a_-_b', 'a-b', true],
    ['  Wind  (profile) ', 'wind-profile', false],
    ['Wind (10 m) profile', 'wind-10-m-profile', false],
    ['_a-_b___c_', 'a-b__c', true],
    ['waggle/plugin-x', 'waggle-plugin-x', false],
    ['plugin-x:1.0.0', 'plugin-x-1-0-0', false],
    ['C++ counter', 'c-counter', false],
    ['plugin.', 'plugin', false],
    ['Mésanges', 'mesanges', false],
    ['a'.repeat(300), undefined, false],
    ['A', undefined, true],
    ['On', undefined, true],
    ['_x', undefined, true],
    ['雲のカウンターab', undefined, false],
  ])('%j is %j, certainly: %j', (text, name, isCertain) => {
    expect(spellName(text)).toBe(name)
    expect(isNearlyName(text)).toBe(isCertain)
    if (name !== undefined) expect(isPluginName(name)).toBe(true)
  })

  it.each(['a', '-a', 'a-', 'a-_b', 'a___b', 'A', 'no', 'a'.repeat(60), 'a b'])('is not %j', (name) => {
    expect(isPluginName(name)).toBe(false)
  })

  it('is soon known of what is made to take long', () => {
    expect(isNearlyName(`a${' -'.repeat(127)}.`)).toBe(false)
  })
})
