"""Sentences to read aloud, English (`en`) and Mandarin (`cmn`), put together from word lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LANGUAGES = ("en", "cmn")
# Letters or characters that take about two to four seconds to say.
LENGTHS = {"en": range(30, 49), "cmn": range(8, 13)}

WORDS = {
    "en": {
        "who": "the old farmer|my younger sister|our new teacher|a tall sailor|the village doctor|"
        "her cousin|the quiet painter|his uncle|a young engineer|the baker|that lawyer|my neighbour|"
        "the choir|the goalkeeper|a strange visitor|the pilot|our landlady|the chess player|"
        "two students|the gardener|a famous singer|the postman|my grandfather|the night nurse|"
        "a shepherd|the youngest child|the clockmaker",
        "did": "bought|found|carried|painted|forgot|borrowed|repaired|described|washed|measured|lost|"
        "sold|counted|drew|hid|photographed|collected|cleaned|ordered|delivered|examined|wrapped|"
        "dropped|noticed|moved",
        "what": "a blue bicycle|five green apples|the broken clock|an old map|some warm bread|"
        "the wooden boat|three letters|a heavy suitcase|the silver spoon|a jar of honey|"
        "the yellow curtains|a box of chalk|nine white stones|the garden chair|a pair of shoes|"
        "the violin|an empty bottle|four tickets|the lamp|a bag of rice|the kitchen table|"
        "a woollen scarf|six brown eggs|the telescope|an orange umbrella",
        "where": "at the market|near the river|behind the church|in the attic|on the bridge|"
        "by the station|under the stairs|at school|in the harbour|beside the fountain|on the roof|"
        "across the valley|outside the museum|in the cellar|at the airport|along the beach|"
        "in the next room|near the mill",
        "when": "yesterday|this morning|last winter|on Thursday|after lunch|before sunrise|in July|"
        "at noon|a week ago|during the storm|on his birthday|late at night|in the spring|twice today|"
        "on Sunday",
        "like": "cold|bright|quiet|narrow|expensive|slippery|crowded|peaceful|dusty|warm|dark|foggy|"
        "cheerful|noisy",
        "thing": "the road|the weather|this house|the water|the hotel|that street|the forest|"
        "our office|the train|the library|the theatre|the island|the path|the hall",
        "digit": "zero|one|two|three|four|five|six|seven|eight|nine",
        "number": "my account number|the room code|the flight number|your order number|the bus number",
    },
    "cmn": {
        "who": "我们的老师|他的妹妹|那位医生|隔壁的爷爷|年轻的司机|小王|我的同学|她的朋友|老张|"
        "那个画家|李经理|图书管理员|我姐姐|几个学生|村里的农民|新来的邻居|陈先生|歌手|那个孩子|售货员",
        "when": "昨天|今天早上|上个星期|春节前|下午三点|去年夏天|星期五|晚饭以后|刚才|前天晚上|八月份|周末",
        "where": "在公园里|在火车站|在超市|在河边|在图书馆|在院子里|在飞机场|在山上|在学校门口|在厨房|"
        "在北京|在市场|在博物馆|在桥下",
        "did": "买了|找到了|画了|修好了|弄丢了|带来了|看见了|卖掉了|洗干净了|送走了|借了|收拾好了|"
        "拍下了|数了",
        "what": "一本旧书|三只白猫|两件毛衣|一辆自行车|五个苹果|那张地图|一把雨伞|六封信|一台电脑|"
        "很多花|四条鱼|那幅风景画|一块手表|七双鞋子|一壶热茶|九张车票|那盏灯|一双筷子",
        "thing": "这条路|外面的天气|那家饭店|这个房间|江边的风景|山里的空气|他们的办公室|那座大桥|"
        "这个城市|菜市场",
        "like": "安静|漂亮|干净|热闹|方便|凉快|拥挤|有意思|宽敞|暖和|特别|普通",
        "digit": "零|一|二|三|四|五|六|七|八|九",
        "number": "我的房间号码|他的电话号码|这趟车的号码|你的订单号|教室的号码",
    },
}
LEXICON = {
    language: {kind: words.split("|") for kind, words in lists.items()} for language, lists in WORDS.items()
}
TEMPLATES = {
    "en": (
        "{when} {who} {did} {what}",
        "{who} {did} {what} {where}",
        "{who} {did} {what} {when}",
        "{when} {thing} was {like} and {like}",
        "did {who} really say that {thing} was {like}",
        "{number} is {digit} {digit} {digit} {digit} {digit}",
    ),
    "cmn": (
        "{when}{who}{did}{what}",
        "{who}{where}{did}{what}",
        "{when}{who}{where}{did}{what}",
        "{when}{thing}不太{like}",
        "{who}觉得{thing}非常{like}",
        "{number}是{digit}{digit}{digit}{digit}{digit}",
    ),
}


def draw_sentence(language: str, random: np.random.Generator) -> str:
    """Return a sentence of a length in `LENGTHS`, without punctuation, as a transcript has it."""
    while True:
        template = _one_of(TEMPLATES[language], random)
        parts = template.replace("}", "{").split("{")  # literal, kind of word, literal, kind of word, ...
        parts[1::2] = [_one_of(LEXICON[language][kind], random) for kind in parts[1::2]]
        sentence = "".join(parts)
        if len(sentence) in LENGTHS[language]:
            return sentence


def _one_of(choices: Sequence[str], random: np.random.Generator) -> str:
    return choices[random.integers(len(choices))]
