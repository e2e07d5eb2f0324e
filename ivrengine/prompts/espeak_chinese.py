"""Where espeak-ng 1.51 misreads Chinese, and the pinyin that makes it say the right thing.

Found by comparing what it says (`espeak-ng -x`) with a pinyin dictionary: for each of the 3755 everyday characters, and for
some 260 words of telephone announcements. It knows nothing of other words; a prompt that is misread still can be recorded.
"""

from __future__ import annotations

import re

# Characters that it gives the neutral tone even where they carry their own.
_CHARACTERS = """
ba1笆巴 ban4扮 bo2膊 chang3敞 chen2晨 chou2酬 chu3楚 di4地 duo3朵 fang1坊 fu1夫 fu2袱 fu3甫 fu4傅咐 gu1菇 hu1乎 hu2糊 hu3唬
huan1欢 huang3晃 ji1缉 ji2辑 jia4稼 jiang4匠 jing1睛 ju3矩 li2狸 ling2伶 long2窿 mu3拇 peng2篷 po1泼 qi1戚 que4鹊 shi2拾识
sou4嗽 su4诉 ti4屉 tu2涂 tuo2驼 wang3枉 wu3伍 wu4务 xi1息 xian1仙 yi2宜 ying2蝇 zhe4蔗 zhou3帚 zhui4缀
"""

# Words in which a character is not read as it mostly is.
_WORDS = """
更改 geng1 gai3
更换 geng1 huan4
更新 geng1 xin1
变更 bian4 geng1
重复 chong2 fu4
重新 chong2 xin1
重播 chong2 bo1
重听 chong2 ting1
重录 chong2 lu4
重试 chong2 shi4
重输 chong2 shu1
重庆 chong2 qing4
调整 tiao2 zheng3
空调 kong1 tiao2
空闲 kong4 xian2
放假 fang4 jia4
请假 qing3 jia4
休假 xiu1 jia4
节假日 jie2 jia4 ri4
假日 jia4 ri4
假期 jia4 qi1
得到 de2 dao4
获得 huo4 de2
好地 hao3 de5
便宜 pian2 yi5
了解 liao3 jie3
成为 cheng2 wei2
认为 ren4 wei2
处理 chu3 li3
供应 gong1 ying4
应用 ying4 yong4
适应 shi4 ying4
答应 da1 ying4
中奖 zhong4 jiang3
出差 chu1 chai1
着急 zhao2 ji2
尽快 jin3 kuai4
尽量 jin3 liang4
银行 yin2 hang2
行业 hang2 ye4
还款 huan2 kuan3
归还 gui1 huan2
"""

_PINYIN = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in _WORDS.strip().splitlines()} | {
    character: pinyin for pinyin, characters in re.findall(r"([a-z]+[1-5])(\S+)", _CHARACTERS) for character in characters
}
_MISREAD = re.compile("|".join(sorted(_PINYIN, key=len, reverse=True)))


def respelled(text: str) -> str:
    """The text with what would be misread written in pinyin."""
    return _MISREAD.sub(lambda match: f" {_PINYIN[match[0]]} ", text)
