#!/usr/bin/env python3
"""Sentences of ticket desks in the encodings of their countries: tests/fixtures/encodings.json. Python's codecs write them.

Western samples hold no bytes 80 to 9F: Node's TextDecoder, unlike browsers', gives control characters for those up to 23."""
import base64, json, pathlib

SAMPLES = [
    ('windows-1252', 'cp1252', 'German', 'Der Router im Gebäude fiel aus, die Störung wurde behoben. Größe der Überlast unklar, Gerät prüfen.'),
    ('windows-1252', 'cp1252', 'French', 'Le routeur a été redémarré après la coupure ; accès rétabli pour toute une équipe. Réseau dégradé à Nîmes.'),
    ('windows-1252', 'cp1252', 'Spanish', 'La fibra se cortó en la estación; el técnico llegó mañana. Configuración errónea de la señal.'),
    ('windows-1252', 'cp1252', 'English', 'The café router at the site of Señor Muñoz does not respond: no route to host. Power supply failed, 48 V ± 2, £ 20.'),
    ('windows-1250', 'cp1250', 'Polish', 'Przerwany światłowód między węzłami. Usterka zasilania, błąd konfiguracji łącza. Żądanie źródła.'),
    ('windows-1250', 'cp1250', 'Czech', 'Výpadek napájení v ústředně, přerušené vlákno. Chyba směrovače, špatná konfigurace. Řešení: výměna.'),
    ('windows-1250', 'cp1250', 'Hungarian', 'Áramkimaradás a központban, a szálat elvágták. Hibás útválasztó beállítás, túl erős jel, fűtés.'),
    ('iso-8859-2', 'iso8859_2', 'Polish', 'Przerwany światłowód między węzłami. Usterka zasilania, błąd konfiguracji łącza. Żądanie źródła.'),
    ('windows-1251', 'cp1251', 'Russian', 'Обрыв оптического кабеля на участке. Отказ питания, ошибка настройки маршрутизатора.'),
    ('windows-1251', 'cp1251', 'Ukrainian', 'Обрив оптичного кабелю на ділянці. Відмова живлення, помилка налаштування маршрутизатора.'),
    ('koi8-r', 'koi8_r', 'Russian', 'Обрыв оптического кабеля на участке. Отказ питания, ошибка настройки маршрутизатора.'),
    ('shift_jis', 'cp932', 'Japanese', '光ファイバーの切断によりリンクがダウンしました。電源障害、設定ミス。ルーターを再起動した。'),
    ('euc-jp', 'euc_jp', 'Japanese', '光ファイバーの切断によりリンクがダウンしました。電源障害、設定ミス。ルーターを再起動した。'),
    ('gb18030', 'gb18030', 'Chinese', '光缆被挖断导致链路中断。电源故障，配置错误。已重启路由器并更换光模块。'),
    ('big5', 'big5', 'Chinese', '光纜被挖斷導致鏈路中斷。電源故障，設定錯誤。已重新啟動路由器並更換光模組。'),
    ('euc-kr', 'euc_kr', 'Korean', '광케이블 절단으로 링크가 다운되었습니다. 전원 장애, 설정 오류. 라우터를 재시작했습니다.'),
    ('windows-1253', 'cp1253', 'Greek', 'Κοπή οπτικής ίνας στο δίκτυο. Βλάβη τροφοδοσίας, λάθος ρύθμιση του δρομολογητή.'),
    ('windows-1254', 'cp1254', 'Turkish', 'Fiber kablo kesildi, bağlantı koptu. Güç arızası, yapılandırma hatası. Yönlendirici değiştirildi; ışık yok.'),
    ('windows-1255', 'cp1255', 'Hebrew', 'כבל סיב אופטי נחתך והקישור נפל. תקלת חשמל, שגיאת תצורה בנתב.'),
    ('windows-1256', 'cp1256', 'Arabic', 'انقطاع كابل الألياف الضوئية وتعطل الوصلة. عطل في الطاقة وخطأ في إعداد الموجه.'),
]
out = [
    {'encoding': name, 'language': language, 'text': text, 'base64': base64.b64encode(text.encode(codec)).decode()}
    for name, codec, language, text in SAMPLES
]
path = pathlib.Path(__file__).parent.parent / 'fixtures' / 'encodings.json'
path.write_text(json.dumps(out, ensure_ascii=False, indent=1) + '\n')
