"""Words that say little of what a call is about, by language, in the spelling of `callscribe.searchable`.

They come in every conversation on the phone; for languages that are not here, frequency tells (`callscribe.chapters`).
"""

from __future__ import annotations

from typing import Final

_ENGLISH = """
a about actually after again all alright also always am an and any anything are as ask at back be because been before
being but by bye call calling can cannot cant come could day did didnt do does doesnt doing done dont down each else
even every few fine first for from get getting give go going gonna good got great had has hasnt have havent having he
hello help her here hers hey hi him his hold how i id if ill im in into is isnt it its ive just kind know last let
lets like little ll long look made make many may maybe me mean might mine minute moment more morning most much must my
need never next nice no nope not nothing now of off oh ok okay on once one only or other our out over own perfect
please put quite re really right said same say see shall she should so some something soon sorry still sure take tell
than thank thanks that thats the their them then there theres these they theyre thing things think this those three
through time to today told too try two uh uhm um under until up us use ve very want wanted was wasnt way we well went
were weve what whats when where which while who why will with wont would wouldnt yeah yep yes yet you youd youll your
youre yours youve
"""
_FRENCH = """
a ah alors apres au aucun aussi autre aux avait avec avez avoir avons bah beaucoup ben bien bon bonjour bonne ca car
ce cela ces cest cet cette chez comme comment d dabord daccord dans de deja depuis des deux dire dit donc du elle
elles en encore est et etait etes etre eu euh faire fait faut ici il ils j jai je jusqu l la le les leur lui m ma
madame mais me meme merci mes moi moins mon monsieur n ne ni non nos notre nous on ont ou oui par parce pas peu peut
peux plus pour pourquoi pouvez pouvoir qu quand que quel quelle quelque qui quoi revoir s sa sans se ses si sil soit
son sont sur t ta te tes toi ton tous tout toute tres tu un une va vais veux voila vois votre voulez vous vraiment y
"""
_GERMAN = """
aber ach alle alles als also am an auch auf aus bei beim bin bis bist bitte da dabei dafur damit danke dann das dass
dein dem den denn der des die dies diese dir doch du durch ein eine einem einen einer eines einfach einmal er es etwas
euch fur ganz gar gegen gehen geht genau gerade gern gibt gleich gut guten habe haben hallo hat hatte hatten hier hin
ich ihm ihn ihnen ihr ihre im immer in ins irgendwie ist ja jetzt kann kein keine konnen konnte mal man mehr mein
meine mich mir mit moment muss mussen na nach naturlich ne nein nicht nichts noch nochmal nun nur ob oder ohne okay
schon sehr sein seine sich sie sind so sodass soll sollte sonst tag tja tschuss uber um und uns unser unter viel
vielleicht vom von vor war waren warum was weil weiss weiter wenn wer werde werden wie wieder wiederhoren will wir
wird wirklich wissen wo wurde wurden zu zum zur zwar
"""
_SPANISH = """
a adios ahi ahora al algo alguna alguno antes aqui asi aun aunque bien buenas bueno buenos cada casi claro como con
cual cuando cuanto da de decir del desde despues dia dias dice digo donde dos e el ella ellas ellos en entonces era es
esa ese eso esta estaba estan estar estas este esto estoy favor fue gracias ha haber habia hace hacer han hasta hay he
hola hoy la las le les lo los luego mas me mi mis mismo momento mucho muy nada ni no nos nosotros o otra otro para
pero poco por porque puede puedo pues que quien quiere quiero sabe se sea senor senora ser si sido siempre sin sobre
solo son soy su sus tal tambien tan tanto te tengo tiene toda todo todos tu un una uno unos usted ustedes va vale
vamos ver vez voy y ya yo
"""
_ITALIAN = """
a abbiamo ad adesso ai al alla alle allora anche ancora anzi appunto arrivederci avere aveva bene buona buongiorno c
che chi ci come con cosa cosi cui da dal dalla dei del della delle detto di dice dire dopo dove dunque e ecco ed era
esatto essere faccio fare fatto fino gia gli grazie ha hai hanno ho i il in infatti io l la le lei li lo loro ma
magari me mi mia mio molto ne nel nella no noi non nostra nostro o oggi ogni oltre ora per perche perfetto pero piu
poi possiamo posso prego prima proprio puo qua qualche quale quando quanto quella quello questa questo qui quindi sa
salve se sei sempre senta senza si sia siamo signora signore sono sta stato su sua subito sul suo tra tutta tutti
tutto un una uno va vi voglio voi volevo vostra vostro
"""
_PORTUGUESE = """
a agora ai ainda alo ao aos aqui as assim ate bem boa bom cada com como da das de dele depois dia do dos e ela ele
eles em entao era essa esse esta estao estava estou eu falar favor faz fazer foi ha hoje isso isto ja la lhe mais mas
me mesmo meu minha muito na nada nao nas nem no nos obrigada obrigado olha olhe onde os ou para pela pelo pode pois
por porque posso pra quais qual quando que quem quero sao se seja sem senhor senhora ser seu sim so sou sua tambem tao
te tem tenho ter teu tudo um uma vai voce vou
"""
_DUTCH = """
aan al alle alles als altijd ben bent bij daar dag dan dank dat de deze die dit doe doen door dus een eens eigenlijk
en er even ga gaan gaat geen goed goede had heb hebben hebt heeft hem het hier hoe hoi hoor ik in is ja je jij jou
jullie kan komt kun kunnen kunt maar mag me meer meneer met mevrouw mij mijn moet moment na naar nee niet niks nog nou
nu of om omdat onder ons onze ook op over prima straks te tegen toch toen tot u uit uw van veel voor waar want was wat
we weer weet wel welke werd wie wij wil willen worden wordt zal ze zeg zeggen zei zich zien zijn zit zo zou
"""

STOP_WORDS: Final[dict[str, frozenset[str]]] = {
    "de": frozenset(_GERMAN.split()),
    "en": frozenset(_ENGLISH.split()),
    "es": frozenset(_SPANISH.split()),
    "fr": frozenset(_FRENCH.split()),
    "it": frozenset(_ITALIAN.split()),
    "nl": frozenset(_DUTCH.split()),
    "pt": frozenset(_PORTUGUESE.split()),
}
