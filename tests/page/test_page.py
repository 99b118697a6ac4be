# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's page as a reader has it: seen, clicked, typed into, printed, on a phone, in the dark, with 5,000 machines.

Every page is opened offline, and each test fails where the page asks for anything or the console has an error.
"""
from __future__ import annotations

import re

import pytest

from . import fleet as made

# The contrast of each visible text against what is painted below it, by WCAG 2: the least, and where it is.
CONTRAST = '''() => {
  const channel = (value) => (value /= 255) <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  let least = [99, ''];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest('script, style, .unseen, .skip, option') || element.disabled) continue;
    const style = getComputedStyle(element);
    let below = element;
    let paint = [0, 0, 0, 0];
    for (; below; below = below.parentElement) {
      paint = parse(getComputedStyle(below).backgroundColor);
      if (paint.length === 3 || paint[3] > 0) break;
    }
    const ink = parse(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(paint)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < least[0]) least = [ratio, element.tagName + ' ' + element.className + ' ' + element.textContent.slice(0, 40)];
  }
  return least;
}'''


def names(page):
    return page.locator('#table tbody th').all_inner_texts()


def column(page, number):
    return page.locator(f'#table tbody tr > :nth-child({number})').all_inner_texts()


def figures(texts):
    return [float(text.replace(',', '')) for text in texts if text != '–']


def test_the_summary_says_it_at_once(visit):
    page = visit()
    assert page.locator('.headline').inner_text().startswith('Of 37 machines, 10 read the time from a slow clock and 1 from an unsafe one.')
    tiles = dict(zip(page.locator('.tiles dt').all_inner_texts(),
                     (text.split('\n')[0] for text in page.locator('.tiles dd').all_inner_texts())))
    assert tiles == {'Machines': '40', 'Slow': '10', 'Unsafe': '1', 'CPUs lost': '1.36', 'Reboots pending': '2', 'Not seen': '3'}
    # without a scroll
    assert page.locator('.tiles').bounding_box()['y'] + page.locator('.tiles').bounding_box()['height'] < 500


def test_the_page_says_where_it_is_and_the_terminal_still_has_its_table(pages):
    output = pages['output']
    assert f'the page is {pages["fleet"] / "clocks.html"}' in output
    assert 'web-01: xen is slow, aws m4.large' in output and re.search(r'of 40 hosts', output)


def test_every_machine_is_in_the_table_the_lost_ones_too(visit):
    page = visit()
    assert sorted(names(page)) == sorted(made.small())
    assert page.locator('section[aria-labelledby=unseen] tbody tr').count() == 2
    assert 'old-01, old-02' in page.locator('section[aria-labelledby=unseen]').inner_text()
    assert column(page, 2)[:10] == ['slow'] * 10


def test_what_a_fix_comes_to_is_in_the_table_and_can_be_searched(visit):
    page = visit()
    page.get_by_label('Find').fill('refused: warp')
    assert names(page) == ['lab-04'] and column(page, 10) == ['refused: warp']
    page.get_by_label('Find').fill('fixed, reboot pending')
    assert names(page) == ['web-12', 'web-11']


def test_a_click_sorts_and_says_so(visit):
    page = visit()
    head = page.get_by_role('columnheader', name='ns', exact=True)
    head.get_by_role('button').click()
    assert head.get_attribute('aria-sort') == 'descending'
    down = column(page, 5)
    assert figures(down) == sorted(figures(down), reverse=True) and down[-2:] == ['–', '–']
    head.get_by_role('button').click()
    assert head.get_attribute('aria-sort') == 'ascending'
    up = column(page, 5)
    assert figures(up) == sorted(figures(up)) and up[-2:] == ['–', '–'], 'the unknown stay last'
    assert page.locator('#table [aria-sort]').count() == 1
    page.get_by_role('columnheader', name='Machine').get_by_role('button').click()
    assert names(page) == sorted(names(page))


def test_a_filter_narrows_and_says_how_many_are_left(visit):
    page = visit()
    page.get_by_label('Find').fill('m4.large XEN')
    assert set(names(page)) == {f'web-{number:02}' for number in range(1, 7)} | {'build-01'}
    assert page.get_by_role('status').inner_text() == '7 of 40 machines'
    page.get_by_label('Find').fill('aarch64')
    assert len(names(page)) == 4
    page.get_by_role('button', name='Clear').click()
    page.get_by_role('combobox', name='Verdict').select_option('unsafe')
    assert names(page) == ['lab-03']
    page.get_by_role('combobox', name='Source').select_option('xen')
    assert page.locator('#table tbody').inner_text() == 'No machine is like that.'
    page.get_by_role('button', name='Clear').click()
    # a form is empty only after its reset event: the page filters a moment later
    page.get_by_role('status').get_by_text('40 machines', exact=True).wait_for()
    assert not page.locator('.pager').is_visible()
    assert len(names(page)) == 40 and page.get_by_role('status').inner_text() == '40 machines'


def test_a_card_has_the_distribution_the_gates_the_reason_and_the_command(visit):
    page = visit()
    page.get_by_role('button', name='web-01').click()
    card = page.get_by_role('dialog')
    text = card.inner_text()
    assert 'xen is not read in the vDSO, and tsc is offered' in text and 'By the word of AWS re:Post' in text
    commands = card.locator('pre').all_inner_texts()
    assert commands[1] == 'ansible-playbook -i hosts.ini cloudclock.linux.fix_clocksource --limit web-01'
    spread = card.locator('table.spread').first
    bars = spread.locator('svg rect.ink')
    assert spread.locator('tbody tr').count() == bars.count() >= 4
    widths = [float(width[:-1]) for width in bars.evaluate_all('all => all.map((bar) => bar.getAttribute("width"))')]
    assert max(widths) == 100 and min(widths) >= 0
    assert card.locator('tbody th', has_text='warp').count() == 1
    assert page.url.endswith('#host=web-01')
    page.keyboard.press('Escape')
    assert not card.is_visible() and '#' not in page.url


def test_what_is_not_known_is_a_dash_and_no_nought(visit):
    page = visit('unknown')
    assert page.locator('.headline').inner_text().startswith('Of 4 machines, 1 reads the time from a slow clock; of 2 it is not known.')
    tiles = dict(zip(page.locator('.tiles dt').all_inner_texts(), page.locator('.tiles dd').all_inner_texts()))
    assert tiles['Machines'] == '4\n1 optimal or acceptable, 2 not known'
    assert tiles['CPUs lost'] == '0.09\nat 100,000 reads a second each; of 2 not known'
    assert page.locator('section[aria-labelledby=sources] tbody tr', has_text='hpet').inner_text().split() == ['hpet', '1', '1', '–', '–']
    page.get_by_role('button', name='leaving').click()
    assert 'Kept after a reboot by\nnothing: then hpet' in page.get_by_role('dialog').inner_text()


def test_a_card_has_its_own_address(visit):
    page = visit(anchor='#host=lab-04')
    assert page.get_by_role('dialog', name='lab-04').is_visible()
    assert '900 of 18336 pairs' in page.get_by_role('dialog').inner_text()
    page = visit(anchor='#host=%E0%A4%A')
    assert not page.locator('dialog').is_visible()


def test_every_card_opens(visit):
    for name in ('fleet', 'hostile', 'unknown'):
        page = visit(name)
        for number in range(page.locator('#table tbody th button').count()):
            page.locator('#table tbody th button').nth(number).click()
            text = page.locator('dialog').inner_text()
            assert 'undefined' not in text and 'NaN' not in text and 'null,' not in text
            page.get_by_role('button', name='Close').click()


def test_the_keyboard_is_enough(visit):
    page = visit()
    page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.textContent') == 'Skip to the machines'
    page.keyboard.press('Enter')
    assert page.evaluate('document.activeElement.id') == 'machines'
    page.keyboard.press('Tab')
    page.keyboard.type('lab-0')
    assert len(names(page)) == 4
    for _step in range(5):
        page.keyboard.press('Tab')
    # past verdict, source and Clear: on the second column's head, by which the table is sorted already
    assert page.evaluate('document.activeElement.closest("th").getAttribute("aria-sort")') == 'ascending'
    page.keyboard.press('Enter')
    assert page.evaluate('document.activeElement.closest("th").getAttribute("aria-sort")') == 'descending', 'the focus stays'
    assert page.evaluate('getComputedStyle(document.activeElement).outlineStyle') == 'solid'
    page.locator('#table tbody th button').first.focus()
    page.keyboard.press('Enter')
    assert page.get_by_role('dialog').is_visible()
    for _step in range(12):
        page.keyboard.press('Tab')
        assert page.evaluate('document.activeElement === document.body || !!document.activeElement.closest("dialog")')
    page.keyboard.press('Escape')
    assert page.evaluate('document.activeElement.dataset.index') is not None, 'the focus is back on the row'


def test_a_screen_reader_finds_its_way(visit):
    page = visit()
    for table in page.locator('table').all():
        assert table.locator('caption').count() == 1
        heads = table.locator('thead th')
        assert heads.count() > 1 and set(heads.evaluate_all('all => all.map((head) => head.scope)')) == {'col'}
    assert page.locator('#table tbody th[scope=row]').count() == 40
    assert page.evaluate('document.documentElement.lang') == 'en'
    assert page.locator('main').count() == page.locator('h1').count() == 1
    nameless = page.locator('input, select, button').evaluate_all(
        'all => all.filter((one) => one.checkVisibility() && !(one.labels?.length || one.textContent.trim())).length')
    assert nameless == 0
    assert page.locator('svg:not([aria-hidden=true])').count() == 0, 'each picture has its figures beside it'


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('width', [1280, 390])
def test_it_can_be_read_in_the_light_and_in_the_dark_at_a_desk_and_on_a_phone(visit, scheme, width):
    page = visit(color_scheme=scheme, viewport={'width': width, 'height': 844})
    paper = page.evaluate('getComputedStyle(document.body).backgroundColor')
    assert (paper == 'rgb(255, 255, 255)') == (scheme == 'light')
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    boxes = page.evaluate('[...document.querySelectorAll(".labels text")].filter((one) => one.checkVisibility())'
                          '.map((one) => one.getBoundingClientRect()).map((box) => [box.left, box.right])')
    assert len(boxes) >= 2 and all(one[1] + 4 < other[0] for one, other in zip(boxes, boxes[1:])), 'the labels of the axis'
    ratio, where = page.evaluate(CONTRAST)
    assert ratio >= 4.5, where
    page.get_by_role('button', name='web-01').click()
    ratio, where = page.evaluate(CONTRAST)
    assert ratio >= 4.5, where
    assert page.locator('dialog').evaluate('(card) => card.scrollWidth <= card.clientWidth')
    if width < 500:
        assert page.locator('#table thead th:visible').count() == 4


def test_it_prints_every_row_in_dark_on_white_and_no_buttons(visit):
    page = visit(color_scheme='dark')
    page.emulate_media(media='print')
    assert page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(255, 255, 255)'
    assert not page.locator('#filter').is_visible() and not page.locator('.pager').is_visible()
    assert page.evaluate(CONTRAST)[0] >= 4.5
    paper = page.pdf(format='A4')
    assert 2 <= len(re.findall(rb'/Type\s*/Page\b', paper)) <= 6
    # one machine's card alone
    page.emulate_media(media='screen')
    page.get_by_role('button', name='web-01').click()
    page.emulate_media(media='print')
    assert not page.locator('header').is_visible() and page.locator('dialog').is_visible()
    assert 1 <= len(re.findall(rb'/Type\s*/Page\b', page.pdf(format='A4'))) <= 3


def test_paper_gets_more_rows_than_a_page_of_the_table_and_not_all_of_thousands(visit):
    page = visit('large')
    assert len(names(page)) == 100
    page.evaluate('dispatchEvent(new Event("beforeprint"))')
    assert len(names(page)) == 1000
    assert page.locator('#table tbody tr').last.inner_text() == 'and 4,000 more: clocks.csv has them all'
    page.evaluate('dispatchEvent(new Event("afterprint"))')
    assert len(names(page)) == 100


def test_without_a_script_the_summary_the_chart_and_the_lost_are_there(visit):
    page = visit(java_script_enabled=False)
    assert page.locator('.headline').is_visible() and page.locator('table.chart circle').count() == 9
    assert page.locator('section[aria-labelledby=unseen] tbody tr').count() == 2
    assert not page.locator('#filter').is_visible()
    assert 'clocks.csv has the same rows' in page.locator('main').inner_text()


def test_hostile_texts_stay_texts(visit):
    page = visit('hostile')
    assert page.title().startswith('Clock audit')
    assert page.locator('img').count() == 0 and page.locator('script').count() == 3
    assert any(name.startswith('</script><script>') for name in names(page))
    page.get_by_role('button', name='</script>').first.click()
    assert page.locator('dialog img, dialog script').count() == 0
    assert 'onerror=alert(1)' in page.locator('dialog').inner_text()


def test_no_script_of_others_would_run(visit):
    """The policy, should a text ever become markup: neither inline handlers nor inserted scripts, nor any fetch."""
    page = visit('none')
    kinds = page.evaluate('''async () => {
      const seen = [];
      addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective));
      const script = document.createElement('script');
      try { script.text = 'document.title = "taken"'; document.body.append(script); } catch (error) { seen.push(error.name); }
      try { document.body.innerHTML = '<img src=x onerror=alert(1)>'; } catch (error) { seen.push(error.name); }
      await fetch('https://192.0.2.1/').catch(() => 0);
      await new Promise((done) => setTimeout(done, 100));
      return seen;
    }''')
    assert page.title().startswith('Clock audit') and page.locator('img').count() == 0
    assert kinds.count('TypeError') == 2 and 'connect-src' in kinds
    assert visit.complaints and all('TrustedScript' in word or 'TrustedHTML' in word or 'Content Security Policy' in word
                                    for word in visit.complaints)
    visit.complaints.clear()


def test_five_thousand_machines_are_no_pain(visit, pages):
    """Limits several times above what an idle machine of two slow cores takes: tests run beside others."""
    page = visit('large')
    paint = page.evaluate('performance.getEntriesByName("first-contentful-paint")[0].startTime')
    ready = page.evaluate('performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd')
    typed, sorted_, card = page.evaluate('''() => {
      const time = (work) => { const start = performance.now(); work(); document.body.offsetHeight; return performance.now() - start; };
      const find = document.getElementById('find');
      const type = (text) => time(() => { find.value = text; find.dispatchEvent(new Event('input', {bubbles: true})); });
      return [Math.max(...['w', 'we', 'web', 'web m4', ''].map(type)), time(() => document.querySelector('[data-at="4"]').click()),
        time(() => document.querySelector('#table tbody button').click())];
    }''')
    size = (pages['large'] / 'clocks.html').stat().st_size
    print(f'{size / 1e6:.1f} MB; first paint {paint:.0f} ms, ready {ready:.0f} ms; a filter {typed:.0f} ms, a sort {sorted_:.0f} ms, '
          f'a card {card:.0f} ms')
    assert size < 10e6 and paint < 3000 and ready < 6000 and typed < 2000 and sorted_ < 3000 and card < 3000
    page.keyboard.press('Escape')
    assert page.locator('#page').inner_text() == 'Page 1 of 50'
    page.get_by_role('button', name='Next').click()
    assert page.locator('#page').inner_text() == 'Page 2 of 50' and len(names(page)) == 100
    page.get_by_label('Find').fill('web-04999 nobody')
    assert page.locator('#table tbody tr').count() == 1
